// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/wire_text.h"

#include <fmt/format.h>
#include <linux/fib_rules.h>
#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace wgnet::testing {
namespace {

using netlink::Bus;
using Bytes = std::span<const std::byte>;

// ---- the vocabulary ----

struct AttributeName {
  uint16_t type;
  const char* name;
  std::span<const AttributeName> inner = {};
};
using Vocabulary = std::span<const AttributeName>;

constexpr uint16_t kEvery = UINT16_MAX;  // items of a list, whose numbers mean nothing

#define NAMED(constant) constant, #constant

constexpr AttributeName kInetConf[] = {{1, "IPV4_DEVCONF_FORWARDING"}};
constexpr AttributeName kInet[] = {{NAMED(IFLA_INET_CONF), kInetConf}};
constexpr AttributeName kAfSpec[] = {{2, "AF_INET", kInet}};
constexpr AttributeName kLinkInfo[] = {{NAMED(IFLA_INFO_KIND)}};
constexpr AttributeName kLink[] = {{NAMED(IFLA_IFNAME)},  {NAMED(IFLA_MTU)},
                                   {NAMED(IFLA_GROUP)},   {NAMED(IFLA_LINKINFO), kLinkInfo},
                                   {NAMED(IFLA_IFALIAS)}, {NAMED(IFLA_AF_SPEC), kAfSpec},
                                   {NAMED(IFLA_TXQLEN)},  {NAMED(IFLA_NUM_TX_QUEUES)},
                                   {NAMED(IFLA_EXT_MASK)}};
constexpr AttributeName kAddress[] = {
    {NAMED(IFA_LOCAL)},     {NAMED(IFA_ADDRESS)}, {NAMED(IFA_FLAGS)},     {11, "IFA_PROTO"},
    {NAMED(IFA_CACHEINFO)}, {NAMED(IFA_LABEL)},   {NAMED(IFA_BROADCAST)}, {NAMED(IFA_RT_PRIORITY)}};
constexpr AttributeName kMetrics[] = {{NAMED(RTAX_MTU)}};
constexpr AttributeName kRoute[] = {{NAMED(RTA_DST)},
                                    {NAMED(RTA_GATEWAY)},
                                    {NAMED(RTA_OIF)},
                                    {NAMED(RTA_TABLE)},
                                    {NAMED(RTA_PREFSRC)},
                                    {NAMED(RTA_PRIORITY)},
                                    {NAMED(RTA_METRICS), kMetrics}};
constexpr AttributeName kRule[] = {{NAMED(FRA_PRIORITY)}, {NAMED(FRA_SRC)},
                                   {NAMED(FRA_DST)},      {NAMED(FRA_IIFNAME)},
                                   {NAMED(FRA_OIFNAME)},  {NAMED(FRA_FWMARK)},
                                   {NAMED(FRA_FWMASK)},   {NAMED(FRA_TABLE)},
                                   {NAMED(FRA_PROTOCOL)}, {NAMED(FRA_SUPPRESS_PREFIXLEN)},
                                   {NAMED(FRA_UID_RANGE)}};

constexpr AttributeName kAllowedIp[] = {
    {NAMED(WGALLOWEDIP_A_FAMILY)}, {NAMED(WGALLOWEDIP_A_IPADDR)}, {NAMED(WGALLOWEDIP_A_CIDR_MASK)}};
constexpr AttributeName kAllowedIps[] = {{kEvery, "allowed IP", kAllowedIp}};
constexpr AttributeName kPeer[] = {{NAMED(WGPEER_A_PUBLIC_KEY)},
                                   {NAMED(WGPEER_A_PRESHARED_KEY)},
                                   {NAMED(WGPEER_A_FLAGS)},
                                   {NAMED(WGPEER_A_ENDPOINT)},
                                   {NAMED(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL)},
                                   {NAMED(WGPEER_A_ALLOWEDIPS), kAllowedIps}};
constexpr AttributeName kPeers[] = {{kEvery, "peer", kPeer}};
constexpr AttributeName kWireguard[] = {
    {NAMED(WGDEVICE_A_IFINDEX)},      {NAMED(WGDEVICE_A_LISTEN_PORT)}, {NAMED(WGDEVICE_A_FWMARK)},
    {NAMED(WGDEVICE_A_PRIVATE_KEY)},  {NAMED(WGDEVICE_A_PUBLIC_KEY)},  {NAMED(WGDEVICE_A_FLAGS)},
    {NAMED(WGDEVICE_A_PEERS), kPeers}};

constexpr AttributeName kTable[] = {{NAMED(NFTA_TABLE_NAME)}, {NAMED(NFTA_TABLE_USERDATA)}};
constexpr AttributeName kHook[] = {{NAMED(NFTA_HOOK_HOOKNUM)}, {NAMED(NFTA_HOOK_PRIORITY)}};
constexpr AttributeName kChain[] = {{NAMED(NFTA_CHAIN_TABLE)},  {NAMED(NFTA_CHAIN_NAME)},
                                    {NAMED(NFTA_CHAIN_TYPE)},   {NAMED(NFTA_CHAIN_HOOK), kHook},
                                    {NAMED(NFTA_CHAIN_POLICY)}, {NAMED(NFTA_CHAIN_FLAGS)}};
constexpr AttributeName kSetDesc[] = {{NAMED(NFTA_SET_DESC_SIZE)}};
constexpr AttributeName kSet[] = {{NAMED(NFTA_SET_TABLE)},    {NAMED(NFTA_SET_NAME)},
                                  {NAMED(NFTA_SET_FLAGS)},    {NAMED(NFTA_SET_KEY_TYPE)},
                                  {NAMED(NFTA_SET_KEY_LEN)},  {NAMED(NFTA_SET_ID)},
                                  {NAMED(NFTA_SET_USERDATA)}, {NAMED(NFTA_SET_DESC), kSetDesc}};
constexpr AttributeName kVerdict[] = {{NAMED(NFTA_VERDICT_CODE)}};
constexpr AttributeName kData[] = {{NAMED(NFTA_DATA_VALUE)}, {NAMED(NFTA_DATA_VERDICT), kVerdict}};
constexpr AttributeName kElement[] = {{NAMED(NFTA_SET_ELEM_KEY), kData},
                                      {NAMED(NFTA_SET_ELEM_FLAGS)}};
constexpr AttributeName kElements[] = {{NAMED(NFTA_LIST_ELEM), kElement}};
constexpr AttributeName kElementList[] = {{NAMED(NFTA_SET_ELEM_LIST_TABLE)},
                                          {NAMED(NFTA_SET_ELEM_LIST_SET)},
                                          {NAMED(NFTA_SET_ELEM_LIST_ELEMENTS), kElements}};

constexpr AttributeName kMeta[] = {
    {NAMED(NFTA_META_DREG)}, {NAMED(NFTA_META_KEY)}, {NAMED(NFTA_META_SREG)}};
constexpr AttributeName kCt[] = {
    {NAMED(NFTA_CT_DREG)}, {NAMED(NFTA_CT_KEY)}, {NAMED(NFTA_CT_SREG)}};
constexpr AttributeName kPayload[] = {{NAMED(NFTA_PAYLOAD_DREG)},
                                      {NAMED(NFTA_PAYLOAD_BASE)},
                                      {NAMED(NFTA_PAYLOAD_OFFSET)},
                                      {NAMED(NFTA_PAYLOAD_LEN)}};
constexpr AttributeName kFib[] = {
    {NAMED(NFTA_FIB_DREG)}, {NAMED(NFTA_FIB_RESULT)}, {NAMED(NFTA_FIB_FLAGS)}};
constexpr AttributeName kImmediate[] = {{NAMED(NFTA_IMMEDIATE_DREG)},
                                        {NAMED(NFTA_IMMEDIATE_DATA), kData}};
constexpr AttributeName kBitwise[] = {
    {NAMED(NFTA_BITWISE_SREG)},        {NAMED(NFTA_BITWISE_DREG)},
    {NAMED(NFTA_BITWISE_LEN)},         {NAMED(NFTA_BITWISE_OP)},
    {NAMED(NFTA_BITWISE_MASK), kData}, {NAMED(NFTA_BITWISE_XOR), kData}};
constexpr AttributeName kCompare[] = {
    {NAMED(NFTA_CMP_SREG)}, {NAMED(NFTA_CMP_OP)}, {NAMED(NFTA_CMP_DATA), kData}};
constexpr AttributeName kLookup[] = {
    {NAMED(NFTA_LOOKUP_SET)}, {NAMED(NFTA_LOOKUP_SREG)}, {NAMED(NFTA_LOOKUP_SET_ID)}};

// What stands in NFTA_EXPR_DATA, by the expression's name.
struct ExpressionName {
  std::string_view name;
  Vocabulary data;
};
constexpr ExpressionName kExpressionNames[] = {{"meta", kMeta},       {"ct", kCt},
                                               {"payload", kPayload}, {"fib", kFib},
                                               {"lookup", kLookup},   {"immediate", kImmediate},
                                               {"bitwise", kBitwise}, {"cmp", kCompare}};

constexpr AttributeName kExpression[] = {{NAMED(NFTA_EXPR_NAME)}, {NAMED(NFTA_EXPR_DATA)}};
constexpr AttributeName kExpressions[] = {{NAMED(NFTA_LIST_ELEM), kExpression}};
constexpr AttributeName kNftRule[] = {{NAMED(NFTA_RULE_TABLE)},
                                      {NAMED(NFTA_RULE_CHAIN)},
                                      {NAMED(NFTA_RULE_EXPRESSIONS), kExpressions},
                                      {NAMED(NFTA_RULE_USERDATA)},
                                      {NAMED(NFTA_RULE_COMPAT)}};

// ---- headers ----

struct Field {
  const char* name;
  size_t size;
};
constexpr Field kIfinfomsg[] = {{"family", 1}, {"pad", 1},   {"type", 2},
                                {"index", 4},  {"flags", 4}, {"change", 4}};
constexpr Field kIfaddrmsg[] = {
    {"family", 1}, {"prefixlen", 1}, {"flags", 1}, {"scope", 1}, {"index", 4}};
constexpr Field kRtmsg[] = {{"family", 1}, {"dst_len", 1}, {"src_len", 1},
                            {"tos", 1},    {"table", 1},   {"protocol", 1},
                            {"scope", 1},  {"type", 1},    {"flags", 4}};
constexpr Field kFibRuleHdr[] = {{"family", 1}, {"dst_len", 1}, {"src_len", 1},
                                 {"tos", 1},    {"table", 1},   {"res1", 1},
                                 {"res2", 1},   {"action", 1},  {"flags", 4}};
constexpr Field kGenlmsghdr[] = {{"cmd", 1}, {"version", 1}, {"reserved", 2}};
constexpr Field kNfgenmsg[] = {{"family", 1}, {"version", 1}, {"res_id", 2}};

struct MessageName {
  Bus bus;
  int type;  // of nf_tables, the low byte; of generic netlink, any
  const char* name;
  const char* header;
  std::span<const Field> fields;
  Vocabulary attributes;
};
const MessageName kMessageNames[] = {
    {Bus::kRoute, NAMED(RTM_NEWLINK), "ifinfomsg", kIfinfomsg, kLink},
    {Bus::kRoute, NAMED(RTM_DELLINK), "ifinfomsg", kIfinfomsg, kLink},
    {Bus::kRoute, NAMED(RTM_NEWADDR), "ifaddrmsg", kIfaddrmsg, kAddress},
    {Bus::kRoute, NAMED(RTM_DELADDR), "ifaddrmsg", kIfaddrmsg, kAddress},
    {Bus::kRoute, NAMED(RTM_NEWROUTE), "rtmsg", kRtmsg, kRoute},
    {Bus::kRoute, NAMED(RTM_DELROUTE), "rtmsg", kRtmsg, kRoute},
    {Bus::kRoute, NAMED(RTM_NEWRULE), "fib_rule_hdr", kFibRuleHdr, kRule},
    {Bus::kRoute, NAMED(RTM_DELRULE), "fib_rule_hdr", kFibRuleHdr, kRule},
    {Bus::kGeneric, 0, "wireguard", "genlmsghdr", kGenlmsghdr, kWireguard},
    {Bus::kNetfilter, NAMED(NFT_MSG_NEWTABLE), "nfgenmsg", kNfgenmsg, kTable},
    {Bus::kNetfilter, NAMED(NFT_MSG_DELTABLE), "nfgenmsg", kNfgenmsg, kTable},
    {Bus::kNetfilter, NAMED(NFT_MSG_NEWCHAIN), "nfgenmsg", kNfgenmsg, kChain},
    {Bus::kNetfilter, NAMED(NFT_MSG_DELCHAIN), "nfgenmsg", kNfgenmsg, kChain},
    {Bus::kNetfilter, NAMED(NFT_MSG_NEWRULE), "nfgenmsg", kNfgenmsg, kNftRule},
    {Bus::kNetfilter, NAMED(NFT_MSG_DELRULE), "nfgenmsg", kNfgenmsg, kNftRule},
    {Bus::kNetfilter, NAMED(NFT_MSG_NEWSET), "nfgenmsg", kNfgenmsg, kSet},
    {Bus::kNetfilter, NAMED(NFT_MSG_DELSET), "nfgenmsg", kNfgenmsg, kSet},
    {Bus::kNetfilter, NAMED(NFT_MSG_NEWSETELEM), "nfgenmsg", kNfgenmsg, kElementList},
    {Bus::kNetfilter, NAMED(NFT_MSG_DELSETELEM), "nfgenmsg", kNfgenmsg, kElementList}};

#undef NAMED

const MessageName* FindMessage(Bus bus, uint16_t type) {
  const bool nft = bus == Bus::kNetfilter;
  if (nft && type >> 8 != NFNL_SUBSYS_NFTABLES) return nullptr;
  for (const MessageName& known : kMessageNames) {
    if (known.bus != bus) continue;
    if (bus == Bus::kGeneric || known.type == (nft ? type & 0xff : type)) return &known;
  }
  return nullptr;
}

std::string FlagsText(uint16_t flags) {
  struct Flag {
    uint16_t bit;
    const char* name;
  };
  constexpr Flag kFlags[] = {{NLM_F_REQUEST, "REQUEST"}, {NLM_F_ACK, "ACK"},
                             {NLM_F_REPLACE, "REPLACE"}, {NLM_F_EXCL, "EXCL"},
                             {NLM_F_CREATE, "CREATE"},   {NLM_F_APPEND, "APPEND"}};
  std::string text;
  for (const auto& [bit, name] : kFlags) {
    if ((flags & bit) == 0) continue;
    text += (text.empty() ? "" : "|") + std::string(name);
    flags = static_cast<uint16_t>(flags & ~bit);
  }
  return flags == 0 ? text : fmt::format("{}|{:#x}", text, flags);
}

// ---- the walk ----

std::string AsText(Bytes payload) {
  if (payload.size() < 2 || payload.back() != std::byte{0}) return "";
  std::string text;
  for (const std::byte byte : payload.first(payload.size() - 1)) {
    if (byte < std::byte{0x20} || byte > std::byte{0x7e}) return "";
    text += static_cast<char>(byte);
  }
  return " \"" + text + "\"";
}

class Printer {
 public:
  std::string Take() { return std::move(text_); }

  void Message(Bus bus, const nlmsghdr& header, Bytes payload) {
    const MessageName* known = FindMessage(bus, header.nlmsg_type);
    if (known == nullptr) {
      Line(0, fmt::format("UNKNOWN TYPE {}: {}", header.nlmsg_type, HexOf(payload)));
      return;
    }
    const std::string type = bus == Bus::kGeneric
                                 ? fmt::format("{} (family {})", known->name, header.nlmsg_type)
                                 : fmt::format("{} ({:#x})", known->name, header.nlmsg_type);
    Line(0, fmt::format("{} {}, {} bytes", type, FlagsText(header.nlmsg_flags), header.nlmsg_len));
    const size_t size = Header(*known, payload);
    if (size > payload.size()) return;
    Attributes(payload.subspan(size), known->attributes, 1);
  }

  void Line(int depth, const std::string& text) {
    text_ += std::string(static_cast<size_t>(depth) * 2, ' ') + text + "\n";
  }

 private:
  // Returns the header's size.
  size_t Header(const MessageName& known, Bytes payload) {
    std::string text = std::string(known.header) + ":";
    size_t at = 0;
    for (const Field& field : known.fields) {
      if (at + field.size > payload.size()) {
        Line(1, text + " CUT");
        return SIZE_MAX;
      }
      uint32_t value = 0;  // the low bytes: of a little-endian machine
      uint16_t half = 0;
      uint8_t byte = 0;
      if (field.size == 4) std::memcpy(&value, payload.data() + at, 4);
      if (field.size == 2) std::memcpy(&half, payload.data() + at, 2);
      if (field.size == 1) std::memcpy(&byte, payload.data() + at, 1);
      text += fmt::format(" {}={}", field.name, value + half + byte);
      at += field.size;
    }
    Line(1, text);
    return NLMSG_ALIGN(at);
  }

  void Attributes(Bytes bytes, Vocabulary vocabulary, int depth) {
    Vocabulary data;  // of the expression that was named before
    while (bytes.size() >= sizeof(nlattr)) {
      nlattr header;
      std::memcpy(&header, bytes.data(), sizeof header);
      if (header.nla_len < sizeof header || header.nla_len > bytes.size()) break;
      const Bytes payload = bytes.first(header.nla_len).subspan(sizeof header);
      Attribute(header, payload, vocabulary, depth, data);
      const size_t step = std::min<size_t>(NLA_ALIGN(header.nla_len), bytes.size());
      const Bytes padding = bytes.first(step).subspan(header.nla_len);
      if (std::any_of(padding.begin(), padding.end(),
                      [](std::byte b) { return b != std::byte{0}; })) {
        Line(depth, "PADDING " + HexOf(padding));
      }
      bytes = bytes.subspan(step);
    }
    if (!bytes.empty()) Line(depth, "GARBAGE " + HexOf(bytes));
  }

  void Attribute(const nlattr& header, Bytes payload, Vocabulary vocabulary, int depth,
                 Vocabulary& data) {
    const auto type = static_cast<uint16_t>(header.nla_type & NLA_TYPE_MASK);
    const AttributeName* known = nullptr;
    for (const AttributeName& name : vocabulary) {
      if (name.type == type || name.type == kEvery) known = &name;
    }
    const std::string head =
        fmt::format("{} {}, {} bytes", type, known != nullptr ? known->name : "?", payload.size());
    if ((header.nla_type & NLA_F_NESTED) != 0) {
      Line(depth, head + ", nested");
      const bool expression = vocabulary.data() == kExpression;
      Attributes(payload,
                 expression         ? data
                 : known != nullptr ? known->inner
                                    : Vocabulary(),
                 depth + 1);
      return;
    }
    Line(depth, head + ": " + HexOf(payload) + AsText(payload));
    for (const auto& [name, words] : kExpressionNames) {
      if (AsText(payload) == fmt::format(" \"{}\"", name)) data = words;
    }
  }

  std::string text_;
};

}  // namespace

std::string WireText(Bus bus, std::span<const std::byte> messages) {
  Printer printer;
  while (messages.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header;
    std::memcpy(&header, messages.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > messages.size()) break;
    printer.Message(bus, header, messages.first(header.nlmsg_len).subspan(sizeof header));
    messages = messages.subspan(std::min<size_t>(NLMSG_ALIGN(header.nlmsg_len), messages.size()));
  }
  if (!messages.empty()) printer.Line(0, "GARBAGE " + HexOf(messages));
  return printer.Take();
}

std::string HexOf(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    text += fmt::format("{}{:02x}", text.empty() ? "" : " ", static_cast<unsigned>(byte));
  }
  return text;
}

std::vector<std::byte> BytesOfHex(std::string_view hex) {
  std::vector<std::byte> bytes;
  std::string digits;
  for (const char c : hex) {
    if (c == ' ') continue;
    digits += c;
    if (digits.size() < 2) continue;
    bytes.push_back(static_cast<std::byte>(std::strtoul(digits.c_str(), nullptr, 16)));
    digits.clear();
  }
  return bytes;
}

}  // namespace wgnet::testing
