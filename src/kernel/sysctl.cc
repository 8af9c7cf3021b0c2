// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/sysctl.h"

#include <algorithm>

namespace wgnet::kernel {
namespace {

// sysctl(8) takes dots or slashes; only slashes are safe for eth0.100.
std::string Command(const SysctlSetting& setting) {
  std::string name = setting.name.str();
  if (name.find('.') == name.npos) std::replace(name.begin(), name.end(), '/', '.');
  return "sysctl -w " + QuoteForShell(name + "=" + setting.value.str());
}

}  // namespace

void SysctlFootprintWire::WriteJson(const Value& settings, JsonWriter& out) {
  out.Object([&] {
    for (const auto& [name, value] : settings) out.Key(name.view()).String(value.view());
  });
}

std::vector<SysctlSetting> WritesOf(const Edit<Sysctl>& edit) {
  std::vector<SysctlSetting> writes = {{*edit.object.name, *edit.object.value}};
  if (edit.object.footprint) {
    writes.insert(writes.end(), edit.object.footprint->begin(), edit.object.footprint->end());
  }
  return writes;
}

Commands CommandsOf(const Edit<Sysctl>& edit, const netlink::SecretWord&) {
  Commands commands;
  for (const SysctlSetting& setting : WritesOf(edit)) commands.push_back(Command(setting));
  return commands;
}

}  // namespace wgnet::kernel
