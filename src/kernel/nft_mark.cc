// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/nft_mark.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_mark.h>

#include <map>
#include <optional>
#include <string_view>

namespace wgnet::kernel::nft {
namespace {

using netlink::Bytes;
using Kind = MarkUse::Kind;

// The attributes of an expression that are asked for, by their numbers.
class Attributes {
 public:
  explicit Attributes(Bytes attributes) {
    netlink::ForEachAttribute(attributes,
                              [&](uint16_t type, Bytes payload) { payloads_[type] = payload; });
  }

  Bytes Get(uint16_t type) const {
    const auto found = payloads_.find(type);
    return found != payloads_.end() ? found->second : Bytes();
  }
  /// In network byte order; 0 if there is none, which no register and no key of ours is.
  uint32_t Number(uint16_t type) const {
    uint32_t number = 0;
    return netlink::ReadExact(Get(type), number) ? ntohl(number) : 0;
  }
  std::string_view Text(uint16_t type) const {
    const Bytes payload = Get(type);
    const std::string_view text(reinterpret_cast<const char*>(payload.data()), payload.size());
    return text.substr(0, text.find('\0'));
  }
  /// What a register holds: as the machine has it, if it has the size of a mark.
  std::optional<uint32_t> Value(uint16_t type) const {
    uint32_t value = 0;
    if (!netlink::ReadExact(Attributes(Get(type)).Get(NFTA_DATA_VALUE), value)) return std::nullopt;
    return value;
  }

 private:
  std::map<uint16_t, Bytes> payloads_;
};

// A register's value: a part of the packet's mark, or, with an empty part, a constant.
struct Content {
  uint32_t part = 0;
  uint32_t exclusive_or = 0;
};

// Runs the instructions of one rule as far as marks are concerned.
class Machine {
 public:
  // What is not known may write any register; nothing stands between loading a mark and using it.
  void Run(std::string_view name, const Attributes& data) {
    if (name == "meta") {
      Meta(data);
    } else if (name == "bitwise") {
      Bitwise(data);
    } else if (name == "immediate") {
      Immediate(data);
    } else if (name == "cmp") {
      Compare(data);
    } else if (name == "match") {
      Match(data);
    } else if (name == "target") {
      Target(data);
    } else {
      registers_.clear();
    }
  }
  std::vector<MarkUse> TakeUses() { return std::move(uses_); }

 private:
  void Meta(const Attributes& data) {
    const bool is_mark = data.Number(NFTA_META_KEY) == NFT_META_MARK;
    if (const uint32_t to = data.Number(NFTA_META_DREG)) {
      registers_.erase(to);
      if (is_mark) registers_[to] = {UINT32_MAX, 0};
    }
    const auto from = registers_.find(data.Number(NFTA_META_SREG));
    if (!is_mark || from == registers_.end()) return;
    uses_.push_back({Kind::kBecomes, from->second.exclusive_or, ~from->second.part});
  }

  void Bitwise(const Attributes& data) {
    const auto from = registers_.find(data.Number(NFTA_BITWISE_SREG));
    const auto mask = data.Value(NFTA_BITWISE_MASK);
    const auto exclusive_or = data.Value(NFTA_BITWISE_XOR);
    const uint32_t to = data.Number(NFTA_BITWISE_DREG);
    if (from == registers_.end() || !mask || !exclusive_or) {
      registers_.erase(to);
      return;
    }
    const Content content = from->second;
    registers_[to] = {content.part & *mask, (content.exclusive_or & *mask) ^ *exclusive_or};
  }

  void Immediate(const Attributes& data) {
    const uint32_t to = data.Number(NFTA_IMMEDIATE_DREG);
    registers_.erase(to);
    if (const auto value = data.Value(NFTA_IMMEDIATE_DATA)) registers_[to] = {0, *value};
  }

  void Compare(const Attributes& data) {
    const auto from = registers_.find(data.Number(NFTA_CMP_SREG));
    const auto value = data.Value(NFTA_CMP_DATA);
    if (from == registers_.end() || from->second.part == 0 || !value) return;
    const Content content = from->second;
    const uint32_t operation = data.Number(NFTA_CMP_OP);
    if (operation != NFT_CMP_EQ && operation != NFT_CMP_NEQ) return;
    LooksFor(*value ^ content.exclusive_or, content.part, operation == NFT_CMP_NEQ);
  }

  // What looks for all but one mark looks for none.
  void LooksFor(uint32_t value, uint32_t mask, bool negated) {
    if (!negated) uses_.push_back({Kind::kIs, value, mask});
    if (negated && value == 0) uses_.push_back({Kind::kHasAny, 0, mask});
  }

  void Match(const Attributes& data) {
    xt_mark_mtinfo1 info;
    if (data.Text(NFTA_MATCH_NAME) != "mark" || data.Number(NFTA_MATCH_REV) != 1) return;
    if (!ReadFront(data.Get(NFTA_MATCH_INFO), info)) return;
    LooksFor(info.mark, info.mask, info.invert != 0);
  }

  void Target(const Attributes& data) {
    xt_mark_tginfo2 info;
    if (data.Text(NFTA_TARGET_NAME) != "MARK" || data.Number(NFTA_TARGET_REV) != 2) return;
    if (!ReadFront(data.Get(NFTA_TARGET_INFO), info)) return;
    uses_.push_back({Kind::kBecomes, info.mark, info.mask});
  }

  // The kernel pads it.
  template <class Info>
  static bool ReadFront(Bytes payload, Info& info) {
    return payload.size() >= sizeof info && netlink::ReadExact(payload.first(sizeof info), info);
  }

  std::map<uint32_t, Content> registers_;
  std::vector<MarkUse> uses_;
};

}  // namespace

bool Concerns(const MarkUse& use, uint32_t mark) {
  switch (use.kind) {
    case Kind::kIs:
      return use.value != 0 && (mark & use.mask) == use.value;
    case Kind::kHasAny:
      return use.mask != UINT32_MAX && (mark & use.mask) != 0;
    case Kind::kBecomes:
      break;
  }
  return use.value == mark;
}

std::string TextOf(const MarkUse& use) {
  if (use.kind == Kind::kHasAny) return fmt::format("looks for any bit of {:#x}", use.mask);
  const std::string_view verb = use.kind == Kind::kIs ? "looks for" : "sets";
  if (use.mask == UINT32_MAX) return fmt::format("{} {:#x}", verb, use.value);
  return fmt::format("{} {:#x}/{:#x}", verb, use.value, use.mask);
}

std::vector<MarkUse> MarkUsesOf(Bytes expressions) {
  Machine machine;
  netlink::ForEachAttribute(expressions, [&](uint16_t, Bytes element) {
    const Attributes expression(element);
    machine.Run(expression.Text(NFTA_EXPR_NAME), Attributes(expression.Get(NFTA_EXPR_DATA)));
  });
  return machine.TakeUses();
}

}  // namespace wgnet::kernel::nft
