// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/nft_rule.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <sodium.h>

#include <cstring>

#include "src/kernel/nft_backend.h"

namespace wgnet::kernel {
namespace {

constexpr std::string_view kHashPrefix = "wgnet:";

std::string HashOf(std::string_view text) {
  uint8_t hash[crypto_generichash_BYTES_MIN];
  crypto_generichash(hash, sizeof hash, reinterpret_cast<const uint8_t*>(text.data()), text.size(),
                     nullptr, 0);
  std::string hex;
  for (size_t i = 0; i < 8; ++i) hex += fmt::format("{:02x}", hash[i]);
  return hex;
}

}  // namespace

bool NftRule::operator==(const NftRule& other) const {
  if (IsMade(*this) && IsMade(other)) return comment == other.comment;
  return raw == other.raw && comment == other.comment;
}

bool IsMade(const NftRule& rule) {
  return rule.comment && rule.comment->view().starts_with(kHashPrefix);
}

// nft(8) gives such sets these names, and the kernel the number (nf_tables_set_alloc_name, 6.18).
bool HasNamelessSet(const NftRule& rule) {
  static_assert(NFTA_LOOKUP_SET == 1 && NFTA_DYNSET_SET_NAME == 1);
  if (!rule.raw) return false;
  const std::string_view raw(reinterpret_cast<const char*>(rule.raw->data()), rule.raw->size());
  for (const std::string_view name : {"__set", "__map"}) {
    for (size_t at = raw.find(name); at != raw.npos; at = raw.find(name, at + 1)) {
      nlattr header{};
      if (at >= sizeof header) std::memcpy(&header, raw.data() + at - sizeof header, sizeof header);
      if (header.nla_type == NFTA_LOOKUP_SET) return true;
    }
  }
  return false;
}

NftRule MakeRule(std::vector<nft::Expression> expressions) {
  NftRule rule;
  rule.expressions = std::move(expressions);
  rule.text = nft::TextOf(rule.expressions);
  rule.comment = FixedString<128>(std::string(kHashPrefix) + HashOf(rule.text.text));
  return rule;
}

void EncodeRule(const NftRule& rule, nft::TableFamily family, const NftName& table,
                const NftName& chain, netlink::MessageWriter& out) {
  NftRule placed = rule;
  placed.family = family;
  placed.table = table;
  placed.chain = chain;
  nfgenmsg header{};
  const auto all = [](const auto&) { return true; };
  netlink::EncodeHeader(placed, header, all);
  out.Begin(NftMessage(NFT_MSG_NEWRULE), NLM_F_CREATE | NLM_F_APPEND, header);
  netlink::EncodeAttributes(placed, out, all);
  out.PutRaw(placed.extra);
  if (!placed.raw) nft::PutInstructions(nft::InstructionsOf(placed.expressions, family), out);
}

void WriteRaw(NftRule& rule, nft::TableFamily family) {
  if (rule.raw) return;
  SecretBuffer bytes;
  uint32_t sequence = 0;
  netlink::MessageWriter out(bytes, sequence);
  out.Begin(NftMessage(NFT_MSG_NEWRULE), 0, nfgenmsg{});
  nft::PutInstructions(nft::InstructionsOf(rule.expressions, family), out);
  const netlink::Bytes attributes =
      netlink::Bytes(bytes.bytes()).subspan(NLMSG_LENGTH(sizeof(nfgenmsg)));
  netlink::ForEachAttribute(attributes, [&](uint16_t type, netlink::Bytes payload) {
    if (type == NFTA_RULE_EXPRESSIONS) rule.raw.emplace(payload.begin(), payload.end());
  });
}

void EncodeFlush(nft::TableFamily family, const NftName& table, const NftName& chain,
                 netlink::MessageWriter& out) {
  NftRule every;
  every.family = family;
  every.table = table;
  every.chain = chain;
  nfgenmsg header{};
  const auto all = [](const auto&) { return true; };
  netlink::EncodeHeader(every, header, all);
  out.Begin(NftMessage(NFT_MSG_DELRULE), 0, header);
  netlink::EncodeAttributes(every, out, all);
}

}  // namespace wgnet::kernel
