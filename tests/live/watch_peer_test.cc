// SPDX-License-Identifier: MIT OR Apache-2.0
// Session::Watch tells when a peer comes up, moves and goes down.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/userspace_world.h"
#include "tests/support/watching.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

using std::chrono::seconds;
using Kind = Event::Kind;

// wg0 is ours; wg1, in the same namespace, is its peer and somebody else's.
Node PeerNode() {
  return Node().Add(Interface("wg0")
                        .PrivateKey(TestKey("near"))
                        .ListenPort(51820)
                        .Address("10.9.0.1/24")
                        .AddPeer(Peer(TestKey("far").Public())
                                     .Endpoint("127.0.0.1:51821")
                                     .PersistentKeepalive(1)
                                     .AllowedIp("10.9.0.2/32")));
}

std::string MakeFarPeer() {
  const std::string link =
      InGuest() ? "ip link add wg1 type wireguard" : "wireguard-go wg1 >/dev/null 2>&1";
  return Shell(fmt::format(
      "umask 077; echo '{}' >/run/far; {} && wg set wg1 private-key /run/far listen-port 51821 "
      "peer {} allowed-ips 10.9.0.1/32 persistent-keepalive 1 endpoint 127.0.0.1:51820 &&"
      "ip link set wg1 up",
      TestKey("far").Reveal(), link, KeyOf("near")));
}

std::string ExpectPeerEvents() {
  const TemporaryDirectory directory;
  auto session = OpenSession(directory.path());
  if (!session) return session.error().ToString();
  auto watcher = Watch(*session, PeerNode(), {.peer_timeout = seconds(20)});
  if (!watcher) return watcher.error().ToString();
  Listener listener(*std::move(watcher));
  listener.Listen(seconds(1));
  if (listener.Count(Kind::kPeerUp) != 0) return "too early: " + listener.Said();
  if (const auto said = MakeFarPeer(); !said.empty()) return said;
  const Event* up = listener.WaitFor(Kind::kPeerUp);
  if (up == nullptr) return "not up: " + listener.Said();
  if (up->interface != "wg0" || up->peer != TestKey("far").Public()) return listener.Said();
  if (const auto said = Shell("wg set wg1 listen-port 51822"); !said.empty()) return said;
  const Event* moved = listener.WaitFor(Kind::kPeerMoved);
  if (moved == nullptr) return "not moved: " + listener.Said();
  if (moved->previous->ToString() != "127.0.0.1:51821" ||
      moved->endpoint->ToString() != "127.0.0.1:51822") {
    return "moved elsewhere: " + listener.Said();
  }
  if (const auto said = Shell("ip link del wg1"); !said.empty()) return said;
  if (listener.WaitFor(Kind::kPeerDown) == nullptr) return "not down: " + listener.Said();
  return listener.Count(Kind::kMissing) + listener.Count(Kind::kChanged) == 0 ? ""
                                                                              : listener.Said();
}

TEST(Watch, PeersComeUpMoveAndGoDown) { EXPECT_EQ(InUserspaceWorld(ExpectPeerEvents, 300), ""); }

}  // namespace
}  // namespace wgnet::testing
