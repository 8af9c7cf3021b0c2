// SPDX-License-Identifier: MIT OR Apache-2.0
// A kernel setting under /proc/sys (sysctl(8), Documentation/networking/ip-sysctl).
#ifndef WGNET_KERNEL_SYSCTL_H_
#define WGNET_KERNEL_SYSCTL_H_

#include <optional>
#include <vector>

#include "src/kernel/edit.h"

namespace wgnet::kernel {

/// Longest name: "net/ipv4/conf/", 15 bytes of interface, and the setting.
using SysctlName = FixedString<96>;
using SysctlText = FixedString<32>;

struct SysctlSetting {
  SysctlName name;
  SysctlText value;
  bool operator==(const SysctlSetting&) const = default;
};

struct Sysctl {
  std::optional<SysctlName> name;  // "net/ipv4/ip_forward": a dot may stand in an interface's name
  std::optional<SysctlText> value;
  /// Settings that writing this one moves, with their values of before: written again after it when
  /// it is put back.
  std::optional<std::vector<SysctlSetting>> footprint;
};

struct SysctlNameWire {
  using Value = SysctlName;
  static std::string Text(const SysctlName& name) { return name.str(); }
};
struct SysctlValueWire {
  using Value = SysctlText;
  static std::string Text(const SysctlText& value) { return value.str(); }
};
struct SysctlFootprintWire {
  using Value = std::vector<SysctlSetting>;
  static std::string Text(const Value&) { return ""; }
  static void WriteJson(const Value& settings, JsonWriter& out);
};

/// What an edit writes, in order.
std::vector<SysctlSetting> WritesOf(const Edit<Sysctl>& edit);

Commands CommandsOf(const Edit<Sysctl>& edit, const netlink::SecretWord& secret);

}  // namespace wgnet::kernel

template <>
struct wgnet::netlink::Schema<wgnet::kernel::Sysctl> {
  using Sysctl = kernel::Sysctl;
  static constexpr std::string_view kName = "sysctl";
  static constexpr kernel::Bus kBus = kernel::Bus::kSysctl;
  static constexpr bool kChangeWhole = false;
  static constexpr bool kDeleteWhole = false;
  static constexpr auto kRows = std::tuple{
      Attr<Context<kernel::SysctlNameWire>>(kNoAttribute, "name", "", &Sysctl::name, Role::kKey),
      Attr<Context<kernel::SysctlValueWire>>(kNoAttribute, "value", "", &Sysctl::value),
      Attr<Context<kernel::SysctlFootprintWire>>(kNoAttribute, "footprint", kNoWord,
                                                 &Sysctl::footprint, Role::kInitial)};
};

#endif  // WGNET_KERNEL_SYSCTL_H_
