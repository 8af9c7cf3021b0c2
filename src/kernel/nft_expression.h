// SPDX-License-Identifier: MIT OR Apache-2.0
// What a rule of nftables says: a closed set of expressions, each with its text (nft(8)) and the
// instructions that it becomes (linux/netfilter/nf_tables.h).
#ifndef WGNET_KERNEL_NFT_EXPRESSION_H_
#define WGNET_KERNEL_NFT_EXPRESSION_H_

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "wgnet/types.h"

namespace wgnet::kernel::nft {

/// The family of a table: its number in nfgenmsg.
enum class TableFamily : uint8_t { kUnspecified = 0, kInet = 1, kIpv4 = 2, kIpv6 = 10 };

enum class Direction : uint8_t { kIn, kOut };
enum class Side : uint8_t { kSource, kDestination };
enum class MarkOf : uint8_t { kPacket, kConnection };

/// `iifname "eth*"`. A `*` at the end makes a pattern.
struct MatchInterface {
  Direction direction;
  std::string name;
  bool negated = false;
};
/// `ip saddr 10.0.0.0/8`
struct MatchAddress {
  Side side;
  Prefix prefix;
};
/// `ip saddr @name`
struct MatchAddressSet {
  Side side;
  Family family;
  std::string set;
};
/// `fib saddr type != local`
struct MatchSourceNotLocal {};
/// `meta l4proto udp`
struct MatchUdp {};
/// `udp dport 51820`
struct MatchUdpPort {
  uint16_t port;
};
/// `icmpv6 type 133-137`: from the first to the last.
struct MatchIcmpv6Types {
  uint8_t first;
  uint8_t last;
};
/// `ip6 hoplimit 255`
struct MatchHopLimit {
  uint8_t limit;
};
/// `ct direction reply`: packets to who sent the first one of a flow, and errors about his.
struct MatchReply {};
/// `meta mark and MASK == VALUE`
struct MatchMark {
  MarkOf of;
  uint32_t value;
  uint32_t mask;
};
/// `meta mark set meta mark and ~MASK or VALUE`: other bits stay. Only this form with constants is
/// listed by every nft and preserves foreign bits.
struct MergeMark {
  MarkOf of;
  uint32_t value;
  uint32_t mask;
};
/// `masquerade`
struct Masquerade {};
/// `accept` or `drop`
struct Verdict {
  bool accept;
};

using Expression = std::variant<MatchInterface, MatchAddress, MatchAddressSet, MatchSourceNotLocal,
                                MatchUdp, MatchUdpPort, MatchIcmpv6Types, MatchHopLimit, MatchReply,
                                MatchMark, MergeMark, Masquerade, Verdict>;

/// What a rule says, in nft's words.
struct RuleText {
  std::string text;
  bool expressible = true;  // false: nft(8) cannot say the name of an interface in it
};
RuleText TextOf(const std::vector<Expression>& expressions);

// ---- instructions of the kernel's machine; all work on register 1 ----

struct LoadMeta {
  uint32_t key;  // NFT_META_*
};
struct StoreMeta {
  uint32_t key;
};
struct LoadCt {
  uint32_t key;  // NFT_CT_*
};
struct StoreCt {
  uint32_t key;
};
struct LoadPayload {
  uint32_t base;  // NFT_PAYLOAD_*
  uint32_t offset;
  uint32_t length;
};
struct LoadFib {
  uint32_t result;  // NFT_FIB_RESULT_*
  uint32_t flags;   // NFTA_FIB_F_*
};
struct Bytes16 {
  std::array<uint8_t, 16> bytes{};
  uint32_t length = 0;
};
struct LoadConstant {
  Bytes16 value;
};
struct Bitwise {
  Bytes16 mask;
  Bytes16 exclusive_or;
};
struct Compare {
  uint32_t operation;  // NFT_CMP_*
  Bytes16 value;
};
struct Lookup {
  std::string set;
};
struct Masq {};
struct SetVerdict {
  int32_t verdict;  // NF_ACCEPT, NF_DROP
};

using Instruction = std::variant<LoadMeta, StoreMeta, LoadCt, StoreCt, LoadPayload, LoadFib,
                                 LoadConstant, Bitwise, Compare, Lookup, Masq, SetVerdict>;

/// The same instructions that nft(8) makes of the text, in a table of this family.
std::vector<Instruction> InstructionsOf(const std::vector<Expression>& expressions,
                                        TableFamily family);

}  // namespace wgnet::kernel::nft

#endif  // WGNET_KERNEL_NFT_EXPRESSION_H_
