// SPDX-License-Identifier: MIT OR Apache-2.0
// Where an adopted peer is in a session stays its endpoint. Taking over itself needs a tunnel of
// wg-quick's: tests/guest/take_over_test.sh.
#include "src/plan/adoption.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/world.h"

namespace wgnet::plan {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr int64_t kNow = 1'800'000'000;

kernel::WgPeer PeerAt(std::string_view address) {
  kernel::WgPeer peer;
  peer.dev = kernel::LinkRef{7, FixedString<IFNAMSIZ - 1>("wg0")};
  peer.public_key = testing::TestKey("peer").Public();
  peer.endpoint = kernel::SocketAddress{*IpAddress::Parse(address), 51820, 0};
  return peer;
}

struct Case {
  std::string name;
  std::optional<int64_t> handshake;  // seconds ago
  bool stays;
};

TEST(AdoptionTest, TheEndpointOfALiveSessionStays) {
  const Case kCases[] = {{"just now", 0, true},
                         {"within the session", 179, true},
                         {"no longer", 180, false},
                         {"never", kNow, false},
                         {"of a record", std::nullopt, false}};
  for (const Case& each : kCases) {
    const Desired desired{.objects = {PeerAt("192.0.2.1")}};
    kernel::WgPeer found = PeerAt("198.51.100.1");
    if (each.handshake) found.last_handshake = kernel::HandshakeTime{kNow - *each.handshake, 0};
    Record own{.objects = {found}};
    const auto warnings = KeepLiveEndpoints(desired, kNow, own);
    const auto& counts_as = *std::get_if<kernel::WgPeer>(&own.objects[0]);
    EXPECT_EQ(counts_as.endpoint == PeerAt("192.0.2.1").endpoint, each.stays) << each.name;
    ASSERT_THAT(warnings, SizeIs(each.stays)) << each.name;
    for (const std::string& warning : warnings) {
      EXPECT_THAT(warning, HasSubstr("198.51.100.1:51820")) << each.name;
    }
  }
}

TEST(AdoptionTest, AnEndpointThatIsWantedIsNoWarning) {
  kernel::WgPeer found = PeerAt("192.0.2.1");
  found.last_handshake = kernel::HandshakeTime{kNow, 0};
  Record own{.objects = {found}};
  EXPECT_THAT(KeepLiveEndpoints({.objects = {PeerAt("192.0.2.1")}}, kNow, own), SizeIs(0));
  EXPECT_THAT(KeepLiveEndpoints({}, kNow, own), SizeIs(0));
}

}  // namespace
}  // namespace wgnet::plan
