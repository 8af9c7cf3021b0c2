// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/kill_switch.h"

#include "src/api/setter.h"

namespace wgnet {

KillSwitch& KillSwitch::Tunnel(std::string_view interface) {
  SetParsed(CheckLinkName(interface), error_, "KillSwitch.Tunnel",
            [&](std::string checked) { tunnels_.push_back(std::move(checked)); });
  return *this;
}

}  // namespace wgnet
