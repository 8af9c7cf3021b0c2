// SPDX-License-Identifier: MIT OR Apache-2.0
// Instructions by libnftnl. It ends the process on an attribute of a wrong length, so every length
// given here is fixed by the type or bounded by Bytes16.
#include <cstdio>  // libnftnl's headers name FILE

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_tables.h>

#include <memory>
#include <new>

#include "src/kernel/nft_backend.h"

namespace wgnet::kernel::nft {
namespace {

constexpr size_t kMostRule = 16 * 1024;  // a rule of 128 instructions takes less

struct RuleDeleter {
  void operator()(nftnl_rule* rule) const { nftnl_rule_free(rule); }
};
using RulePtr = std::unique_ptr<nftnl_rule, RuleDeleter>;

nftnl_expr* Append(nftnl_rule* rule, const char* name) {
  nftnl_expr* expr = nftnl_expr_alloc(name);
  if (expr == nullptr) throw std::bad_alloc();
  nftnl_rule_add_expr(rule, expr);
  return expr;
}

void SetData(nftnl_expr* expr, uint16_t attribute, const Bytes16& value) {
  nftnl_expr_set(expr, attribute, value.bytes.data(), value.length);
}

void Put(const LoadMeta& load, nftnl_rule* rule) {
  nftnl_expr* expr = Append(rule, "meta");
  nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, load.key);
  nftnl_expr_set_u32(expr, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

void Put(const StoreMeta& store, nftnl_rule* rule) {
  nftnl_expr* expr = Append(rule, "meta");
  nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, store.key);
  nftnl_expr_set_u32(expr, NFTNL_EXPR_META_SREG, NFT_REG_1);
}

void Put(const LoadCt& load, nftnl_rule* rule) {
  nftnl_expr* expr = Append(rule, "ct");
  nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_KEY, load.key);
  nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_DREG, NFT_REG_1);
}

void Put(const StoreCt& store, nftnl_rule* rule) {
  nftnl_expr* expr = Append(rule, "ct");
  nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_KEY, store.key);
  nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_SREG, NFT_REG_1);
}

void Put(const LoadPayload& load, nftnl_rule* rule) {
  nftnl_expr* expr = Append(rule, "payload");
  nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_BASE, load.base);
  nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET, load.offset);
  nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_LEN, load.length);
  nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
}

void Put(const LoadFib& load, nftnl_rule* rule) {
  nftnl_expr* expr = Append(rule, "fib");
  nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_RESULT, load.result);
  nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_FLAGS, load.flags);
  nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
}

void Put(const LoadConstant& load, nftnl_rule* rule) {
  nftnl_expr* expr = Append(rule, "immediate");
  nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
  SetData(expr, NFTNL_EXPR_IMM_DATA, load.value);
}

void Put(const Bitwise& bitwise, nftnl_rule* rule) {
  nftnl_expr* expr = Append(rule, "bitwise");
  nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
  nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
  nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_LEN, bitwise.mask.length);
  SetData(expr, NFTNL_EXPR_BITWISE_MASK, bitwise.mask);
  SetData(expr, NFTNL_EXPR_BITWISE_XOR, bitwise.exclusive_or);
}

void Put(const Compare& compare, nftnl_rule* rule) {
  nftnl_expr* expr = Append(rule, "cmp");
  nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
  nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, compare.operation);
  SetData(expr, NFTNL_EXPR_CMP_DATA, compare.value);
}

void Put(const Lookup& lookup, nftnl_rule* rule) {
  nftnl_expr* expr = Append(rule, "lookup");
  nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
  nftnl_expr_set_str(expr, NFTNL_EXPR_LOOKUP_SET, lookup.set.c_str());
}

void Put(const Masq&, nftnl_rule* rule) { Append(rule, "masq"); }

void Put(const SetVerdict& set, nftnl_rule* rule) {
  nftnl_expr* expr = Append(rule, "immediate");
  nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
  nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_VERDICT, static_cast<uint32_t>(set.verdict));
}

}  // namespace

bool BackendAvailable() { return true; }

void PutInstructions(std::span<const Instruction> instructions, netlink::MessageWriter& out) {
  const RulePtr rule(nftnl_rule_alloc());
  if (!rule) throw std::bad_alloc();
  for (const Instruction& instruction : instructions) {
    std::visit([&](const auto& i) { Put(i, rule.get()); }, instruction);
  }
  out.Extend(kMostRule,
             [&](nlmsghdr* message) { nftnl_rule_nlmsg_build_payload(message, rule.get()); });
}

}  // namespace wgnet::kernel::nft
