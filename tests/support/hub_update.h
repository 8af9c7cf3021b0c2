// SPDX-License-Identifier: MIT OR Apache-2.0
// An update of the hub of LargeNode: every kind of step, an allowed IP that moves, and one that
// goes.
#ifndef WGNET_TESTS_SUPPORT_HUB_UPDATE_H_
#define WGNET_TESTS_SUPPORT_HUB_UPDATE_H_

#include <string>

#include "src/plan/device_plan.h"
#include "tests/support/world.h"
#include "wgnet/device_update.h"

namespace wgnet::testing {

inline DeviceUpdate HubUpdate() {
  const auto key = [](int number) { return TestKey("peer " + std::to_string(number)).Public(); };
  return DeviceUpdate("hub")
      .ListenPort(40001)
      .FwMark(77)
      .PrivateKey(TestKey("another"))
      .AddPeer(PeerUpdate(key(0)).AllowedIps("+10.99.0.0/16,-10.20.0.0/24"))
      .AddPeer(PeerUpdate(key(1)).PresharedKey(SecretKey()).AllowedIp("10.20.1.0/24"))
      .AddPeer(PeerUpdate(key(2)).Remove())
      .AddPeer(PeerUpdate(TestKey("new").Public())
                   .Endpoint("192.0.2.7:7")
                   .PersistentKeepalive(7)
                   .AllowedIps("10.98.0.0/16"));
}

inline Status UpdateHub(Host& host) {
  const DeviceUpdate update = HubUpdate();
  const auto done = host.planner().Apply(update, *plan::ResolveHosts(update, {}));
  if (!done) return done.error();
  return {};
}

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_HUB_UPDATE_H_
