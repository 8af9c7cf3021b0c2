// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/nft_expression.h"

#include <netinet/in.h>  // before the kernel's own in.h

#include <fmt/format.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>

#include "src/base/text.h"

namespace wgnet::kernel::nft {
namespace {

constexpr uint8_t kReplyDirection = 1;  // IP_CT_DIR_REPLY

template <class T>
Bytes16 Constant(const T& value) {
  static_assert(sizeof value <= 16);
  Bytes16 constant;
  std::memcpy(constant.bytes.data(), &value, sizeof value);
  constant.length = sizeof value;
  return constant;
}

Bytes16 Constant(std::span<const uint8_t> bytes) {
  Bytes16 constant;
  std::copy(bytes.begin(), bytes.end(), constant.bytes.begin());
  constant.length = static_cast<uint32_t>(bytes.size());
  return constant;
}

// Collects the instructions of a rule, and remembers what it has matched already.
class Compiler {
 public:
  explicit Compiler(TableFamily family) : family_known_(family != TableFamily::kInet) {}

  void Add(Instruction instruction) { instructions_.push_back(std::move(instruction)); }

  // In an inet table, an address is looked at only after the packet's family was.
  void RequireFamily(Family family) {
    if (family_known_) return;
    family_known_ = true;
    Add(LoadMeta{NFT_META_NFPROTO});
    Add(Compare{NFT_CMP_EQ, Constant(static_cast<uint8_t>(
                                family == Family::kIpv6 ? NFPROTO_IPV6 : NFPROTO_IPV4))});
  }

  void RequireProtocol(uint8_t protocol) {
    Add(LoadMeta{NFT_META_L4PROTO});
    Add(Compare{NFT_CMP_EQ, Constant(protocol)});
  }

  std::vector<Instruction> Take() { return std::move(instructions_); }

 private:
  std::vector<Instruction> instructions_;
  bool family_known_;
};

// ---- interfaces ----

std::string Text(const MatchInterface& match, bool& expressible) {
  const auto name = QuoteForNft(match.name);
  expressible = expressible && name.has_value();
  return fmt::format("{} {}{}", match.direction == Direction::kIn ? "iifname" : "oifname",
                     match.negated ? "!= " : "", name.value_or(QuoteForMessage(match.name)));
}

void Compile(const MatchInterface& match, Compiler& out) {
  out.Add(LoadMeta{match.direction == Direction::kIn ? uint32_t{NFT_META_IIFNAME}
                                                     : uint32_t{NFT_META_OIFNAME}});
  Bytes16 name;
  const bool pattern = match.name.ends_with('*');
  const size_t length = std::min<size_t>(match.name.size() - (pattern ? 1 : 0), IFNAMSIZ);
  std::copy_n(match.name.begin(), length, name.bytes.begin());
  name.length = pattern ? static_cast<uint32_t>(length) : uint32_t{IFNAMSIZ};
  out.Add(Compare{match.negated ? uint32_t{NFT_CMP_NEQ} : uint32_t{NFT_CMP_EQ}, name});
}

// ---- addresses ----

std::string AddressWord(Side side, Family family) {
  return fmt::format("{} {}", family == Family::kIpv6 ? "ip6" : "ip",
                     side == Side::kSource ? "saddr" : "daddr");
}

// Offsets in struct iphdr and struct ipv6hdr.
LoadPayload LoadAddress(Side side, Family family, uint32_t length) {
  const bool v6 = family == Family::kIpv6;
  const uint32_t source = v6 ? 8 : 12;
  const uint32_t size = v6 ? 16 : 4;
  return {NFT_PAYLOAD_NETWORK_HEADER, side == Side::kSource ? source : source + size, length};
}

std::string Text(const MatchAddress& match, bool&) {
  return fmt::format(
      "{} {}", AddressWord(match.side, match.prefix.family()),
      match.prefix.is_host() ? match.prefix.address().ToString() : match.prefix.ToString());
}

// nft loads only whole bytes of a prefix where that is enough, and masks otherwise.
void Compile(const MatchAddress& match, Compiler& out) {
  const Prefix prefix = match.prefix.Masked();
  out.RequireFamily(prefix.family());
  const auto size = static_cast<uint32_t>(prefix.address().bytes().size());
  const auto bits = static_cast<uint32_t>(prefix.length());
  const bool whole_bytes = bits % 8 == 0 && bits > 0;
  const uint32_t length = whole_bytes ? bits / 8 : size;
  out.Add(LoadAddress(match.side, prefix.family(), length));
  if (!whole_bytes) {
    Bytes16 mask;
    mask.length = size;
    for (uint32_t bit = 0; bit < bits; ++bit) {
      mask.bytes[bit / 8] = static_cast<uint8_t>(mask.bytes[bit / 8] | (0x80 >> (bit % 8)));
    }
    Bytes16 zero;
    zero.length = size;
    out.Add(Bitwise{mask, zero});
  }
  out.Add(Compare{NFT_CMP_EQ, Constant(prefix.address().bytes().first(length))});
}

std::string Text(const MatchAddressSet& match, bool&) {
  return fmt::format("{} @{}", AddressWord(match.side, match.family), match.set);
}

void Compile(const MatchAddressSet& match, Compiler& out) {
  out.RequireFamily(match.family);
  out.Add(LoadAddress(match.side, match.family, match.family == Family::kIpv6 ? 16 : 4));
  out.Add(Lookup{match.set});
}

std::string Text(const MatchSourceNotLocal&, bool&) { return "fib saddr type != local"; }

void Compile(const MatchSourceNotLocal&, Compiler& out) {
  out.Add(LoadFib{NFT_FIB_RESULT_ADDRTYPE, NFTA_FIB_F_SADDR});
  out.Add(Compare{NFT_CMP_NEQ, Constant(uint32_t{RTN_LOCAL})});
}

// ---- protocol and marks ----

std::string Text(const MatchUdp&, bool&) { return "meta l4proto udp"; }

void Compile(const MatchUdp&, Compiler& out) { out.RequireProtocol(IPPROTO_UDP); }

std::string Text(const MatchUdpPort& match, bool&) {
  return fmt::format("udp dport {}", match.port);
}

void Compile(const MatchUdpPort& match, Compiler& out) {
  out.RequireProtocol(IPPROTO_UDP);
  out.Add(LoadPayload{NFT_PAYLOAD_TRANSPORT_HEADER, offsetof(udphdr, dest), sizeof match.port});
  out.Add(Compare{NFT_CMP_EQ, Constant(htons(match.port))});
}

std::string Text(const MatchIcmpv6Types& match, bool&) {
  return fmt::format("icmpv6 type {}-{}", match.first, match.last);
}

void Compile(const MatchIcmpv6Types& match, Compiler& out) {
  out.RequireFamily(Family::kIpv6);
  out.RequireProtocol(IPPROTO_ICMPV6);
  out.Add(LoadPayload{NFT_PAYLOAD_TRANSPORT_HEADER, offsetof(icmp6_hdr, icmp6_type), 1});
  out.Add(Compare{NFT_CMP_GTE, Constant(match.first)});
  out.Add(Compare{NFT_CMP_LTE, Constant(match.last)});
}

std::string Text(const MatchHopLimit& match, bool&) {
  return fmt::format("ip6 hoplimit {}", match.limit);
}

void Compile(const MatchHopLimit& match, Compiler& out) {
  out.RequireFamily(Family::kIpv6);
  out.Add(LoadPayload{NFT_PAYLOAD_NETWORK_HEADER, offsetof(ip6_hdr, ip6_hlim), 1});
  out.Add(Compare{NFT_CMP_EQ, Constant(match.limit)});
}

std::string Text(const MatchReply&, bool&) { return "ct direction reply"; }

void Compile(const MatchReply&, Compiler& out) {
  out.Add(LoadCt{NFT_CT_DIRECTION});
  out.Add(Compare{NFT_CMP_EQ, Constant(kReplyDirection)});
}

std::string_view MarkWord(MarkOf of) { return of == MarkOf::kPacket ? "meta mark" : "ct mark"; }

void LoadMark(MarkOf of, Compiler& out) {
  if (of == MarkOf::kPacket) {
    out.Add(LoadMeta{NFT_META_MARK});
  } else {
    out.Add(LoadCt{NFT_CT_MARK});
  }
}

std::string Text(const MatchMark& match, bool&) {
  if (match.mask == UINT32_MAX) return fmt::format("{} {:#010x}", MarkWord(match.of), match.value);
  return fmt::format("{} and {:#010x} == {:#010x}", MarkWord(match.of), match.mask, match.value);
}

void Compile(const MatchMark& match, Compiler& out) {
  LoadMark(match.of, out);
  if (match.mask != UINT32_MAX) out.Add(Bitwise{Constant(match.mask), Constant(uint32_t{0})});
  out.Add(Compare{NFT_CMP_EQ, Constant(match.value)});
}

std::string Text(const MergeMark& merge, bool&) {
  if (merge.mask == UINT32_MAX) {
    return fmt::format("{} set {:#010x}", MarkWord(merge.of), merge.value);
  }
  return fmt::format("{0} set {0} and {1:#010x} or {2:#010x}", MarkWord(merge.of), ~merge.mask,
                     merge.value);
}

void Compile(const MergeMark& merge, Compiler& out) {
  if (merge.mask == UINT32_MAX) {
    out.Add(LoadConstant{Constant(merge.value)});
  } else {
    LoadMark(merge.of, out);
    out.Add(Bitwise{Constant(~merge.mask & ~merge.value), Constant(merge.value)});
  }
  if (merge.of == MarkOf::kPacket) {
    out.Add(StoreMeta{NFT_META_MARK});
  } else {
    out.Add(StoreCt{NFT_CT_MARK});
  }
}

// ---- what is done ----

std::string Text(const Masquerade&, bool&) { return "masquerade"; }

void Compile(const Masquerade&, Compiler& out) { out.Add(Masq{}); }

std::string Text(const Verdict& verdict, bool&) { return verdict.accept ? "accept" : "drop"; }

void Compile(const Verdict& verdict, Compiler& out) {
  out.Add(SetVerdict{verdict.accept ? NF_ACCEPT : NF_DROP});
}

}  // namespace

RuleText TextOf(const std::vector<Expression>& expressions) {
  RuleText text;
  for (const Expression& expression : expressions) {
    if (!text.text.empty()) text.text += ' ';
    text.text += std::visit([&](const auto& e) { return Text(e, text.expressible); }, expression);
  }
  return text;
}

std::vector<Instruction> InstructionsOf(const std::vector<Expression>& expressions,
                                        TableFamily family) {
  Compiler compiler(family);
  for (const Expression& expression : expressions) {
    std::visit([&](const auto& e) { Compile(e, compiler); }, expression);
  }
  return compiler.Take();
}

}  // namespace wgnet::kernel::nft
