// SPDX-License-Identifier: MIT OR Apache-2.0
// A policy rule: RTM_NEWRULE (ip-rule(8), linux/fib_rules.h).
#ifndef WGNET_KERNEL_RULE_H_
#define WGNET_KERNEL_RULE_H_

#include <linux/fib_rules.h>

#include <optional>

#include "src/kernel/rtnetlink.h"

namespace wgnet::kernel {

/// Every member tells rules apart: the kernel keeps two rules that differ in FRA_PROTOCOL only.
struct Rule {
  std::optional<Family> family;
  std::optional<uint32_t> priority;
  std::optional<bool> invert;
  std::optional<Prefix> from;
  std::optional<Prefix> to;
  std::optional<FixedString<IFNAMSIZ - 1>> iif;
  std::optional<FixedString<IFNAMSIZ - 1>> oif;
  std::optional<uint32_t> fwmark;
  std::optional<uint32_t> fwmask;
  std::optional<uint8_t> action;  // FR_ACT_*
  std::optional<uint32_t> table;
  std::optional<uint32_t> suppress_prefixlength;
  std::optional<uint8_t> protocol;
  netlink::Extra extra;
};

inline constexpr std::string_view kNotWord = "not", kNoNotWord = "";
using RuleInvert = netlink::HeaderFlag<&fib_rule_hdr::flags, FIB_RULE_INVERT, kNotWord, kNoNotWord>;

inline const netlink::Name kRuleActionNames[] = {{FR_ACT_TO_TBL, ""},
                                                 {FR_ACT_GOTO, "goto"},
                                                 {FR_ACT_NOP, "nop"},
                                                 {FR_ACT_BLACKHOLE, "blackhole"},
                                                 {FR_ACT_UNREACHABLE, "unreachable"},
                                                 {FR_ACT_PROHIBIT, "prohibit"}};
using RuleAction = netlink::Named<netlink::U8, kRuleActionNames>;

struct RuleTable : Table {
  static void PutHeader(fib_rule_hdr& header, uint32_t table) {
    header.table = static_cast<uint8_t>(table < 256 ? table : RT_TABLE_UNSPEC);
  }
};

Commands CommandsOf(const Edit<Rule>& edit, const netlink::SecretWord& secret);

}  // namespace wgnet::kernel

template <>
struct wgnet::netlink::Schema<wgnet::kernel::Rule> {
  using Rule = kernel::Rule;
  using Header = fib_rule_hdr;
  static constexpr std::string_view kName = "rule";
  static constexpr kernel::Bus kBus = kernel::Bus::kRoute;
  static constexpr uint16_t kNew = RTM_NEWRULE, kDelete = RTM_DELRULE, kGet = RTM_GETRULE;
  static constexpr uint16_t kChangeFlags = 0;  // never used: a rule is nothing but key
  static constexpr bool kChangeWhole = true;
  static constexpr bool kDeleteWhole = true;
  static constexpr auto kRows =
      std::tuple{netlink::Header<HeaderFamily<&fib_rule_hdr::family>>("family", kNoWord,
                                                                      &Rule::family, Role::kKey),
                 Attr<U32>(FRA_PRIORITY, "priority", "priority", &Rule::priority, Role::kKey),
                 netlink::Header<kernel::RuleInvert>("not", "", &Rule::invert, Role::kKey),
                 Attr<HeaderPrefix<&fib_rule_hdr::src_len, &fib_rule_hdr::family>>(
                     FRA_SRC, "from", "from", &Rule::from, Role::kKey),
                 Attr<HeaderPrefix<&fib_rule_hdr::dst_len, &fib_rule_hdr::family>>(
                     FRA_DST, "to", "to", &Rule::to, Role::kKey),
                 Attr<String<IFNAMSIZ - 1>>(FRA_IIFNAME, "iif", "iif", &Rule::iif, Role::kKey),
                 Attr<String<IFNAMSIZ - 1>>(FRA_OIFNAME, "oif", "oif", &Rule::oif, Role::kKey),
                 Attr<HexU32>(FRA_FWMARK, "fwmark", "fwmark", &Rule::fwmark, Role::kKey),
                 Attr<HexU32>(FRA_FWMASK, "fwmask", "/", &Rule::fwmask, Role::kKey),
                 netlink::Header<InHeader<&fib_rule_hdr::action, kernel::RuleAction>>(
                     "action", "", &Rule::action, Role::kKey),
                 Attr<kernel::RuleTable>(FRA_TABLE, "table", "lookup", &Rule::table, Role::kKey),
                 Attr<U32>(FRA_SUPPRESS_PREFIXLEN, "suppress_prefixlength", "suppress_prefixlength",
                           &Rule::suppress_prefixlength, Role::kKey),
                 Attr<U8>(FRA_PROTOCOL, "protocol", "protocol", &Rule::protocol, Role::kKey)};
  static constexpr bool Replays(uint16_t) { return true; }
  /// What the kernel reports for "not set" becomes unset.
  static void Normalize(Rule& rule) {
    if (!rule.priority) rule.priority = 0;
    if (rule.from && rule.from->is_default()) rule.from.reset();
    if (rule.to && rule.to->is_default()) rule.to.reset();
    if (rule.suppress_prefixlength == UINT32_MAX) rule.suppress_prefixlength.reset();
  }
};

#endif  // WGNET_KERNEL_RULE_H_
