// SPDX-License-Identifier: MIT OR Apache-2.0
// Which peers are looked up again, and which of a name's addresses they then get.
#include "src/plan/reresolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/model_kernel.h"
#include "tests/support/world.h"

namespace wgnet::plan {
namespace {

using kernel::SocketAddress;
using kernel::WgPeer;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using wgnet::testing::ModelKernel;

constexpr std::chrono::system_clock::time_point kNow{std::chrono::seconds(1'000'000)};

SocketAddress At(const char* address) { return {*IpAddress::Parse(address), 51820, 0}; }

struct Choice {
  const char* what;
  std::optional<SocketAddress> used;
  int64_t last_handshake;
  uint64_t tx_bytes;
  uint16_t keepalive;
  std::vector<const char*> answers;
  std::optional<SocketAddress> next;
};

TEST(ReresolveTest, AnEndpointIsChosen) {
  const std::optional<SocketAddress> a = At("192.0.2.1"), b = At("192.0.2.2"), c = At("192.0.2.3");
  const auto stays = std::nullopt;
  const Choice kChoices[] = {
      {"none yet", {}, 0, 0, 0, {"192.0.2.2", "192.0.2.1"}, b},
      {"the address moved", a, 5, 9, 0, {"192.0.2.2"}, b},
      {"the peer had roamed", c, 5, 9, 0, {"192.0.2.2", "192.0.2.1"}, b},
      {"the same", a, 0, 9, 0, {"192.0.2.1"}, stays},
      {"the same among others, idle", a, 5, 9, 0, {"192.0.2.2", "192.0.2.1"}, stays},
      {"the same among others, never tried", a, 0, 0, 0, {"192.0.2.2", "192.0.2.1"}, stays},
      {"tried, and never heard", a, 0, 9, 0, {"192.0.2.2", "192.0.2.1"}, b},
      {"no more heard, with keepalive", a, 5, 9, 25, {"192.0.2.1", "192.0.2.2"}, b},
      {"three in turn: second", a, 0, 9, 0, {"192.0.2.3", "192.0.2.2", "192.0.2.1"}, b},
      {"three in turn: third", b, 0, 9, 0, {"192.0.2.2", "192.0.2.1", "192.0.2.3"}, c},
      {"three in turn: first", c, 0, 9, 0, {"192.0.2.2", "192.0.2.1", "192.0.2.3"}, a},
  };
  for (const Choice& choice : kChoices) {
    WgPeer peer;
    peer.endpoint = choice.used;
    peer.last_handshake = {choice.last_handshake, 0};
    peer.tx_bytes = choice.tx_bytes;
    peer.keepalive = choice.keepalive;
    std::vector<SocketAddress> endpoints;
    for (const char* answer : choice.answers) endpoints.push_back(At(answer));
    EXPECT_EQ(NextEndpoint(peer, endpoints), choice.next) << choice.what;
  }
}

TEST(ReresolveTest, AnotherPortIsAnotherEndpoint) {
  WgPeer peer;
  peer.endpoint = At("192.0.2.1");
  SocketAddress wanted = At("192.0.2.1");
  wanted.port = 1;
  EXPECT_EQ(NextEndpoint(peer, {&wanted, 1}), wanted);
}

// wg0 with a peer for each age of its last handshake, in seconds; 0: never.
class Silence : public ::testing::Test {
 protected:
  std::vector<int> Silent(const std::vector<int>& ages, int older_than = 135,
                          const std::string& endpoint = "vpn.example:51820") {
    Interface interface("wg0");
    for (const int age : ages) {
      interface.AddPeer(Peer(KeyOf(age)));
      reresolve_.peers.push_back({"wg0", KeyOf(age), *Endpoint::Parse(endpoint)});
    }
    reresolve_.older_than = std::chrono::seconds(older_than);
    kernel_.Apply("owner", Node().Add(interface));
    for (kernel::Object& object : kernel_.objects()) {
      auto* peer = std::get_if<WgPeer>(&object);
      if (peer == nullptr) continue;
      for (const int age : ages) {
        if (peer->public_key == KeyOf(age)) peer->last_handshake = {age == 0 ? 0 : 1'000'000 - age};
      }
    }
    const Snapshot snapshot = kernel_.Read();
    std::vector<int> silent;
    for (const SilentPeer& peer : FindSilent(reresolve_, snapshot, kNow)) {
      for (const int age : ages) {
        if (peer.wanted->public_key == KeyOf(age)) silent.push_back(age);
      }
    }
    return silent;
  }

  static PublicKey KeyOf(int age) {
    return wgnet::testing::TestKey("age " + std::to_string(age)).Public();
  }

  ModelKernel kernel_;
  Reresolve reresolve_;
};

TEST_F(Silence, IsAnOldHandshakeOrNone) {
  EXPECT_THAT(Silent({0, 1, 134, 135, 136, 5000}), ElementsAre(0, 136, 5000));
}
TEST_F(Silence, MayBeShorter) { EXPECT_THAT(Silent({0, 1, 9}, 5), ElementsAre(0, 9)); }
TEST_F(Silence, IsNotAHandshakeInTheFuture) { EXPECT_THAT(Silent({-500}), IsEmpty()); }
TEST_F(Silence, OfEndpointsThatAreAddressesIsNotOurs) {
  EXPECT_THAT(Silent({0}, 135, "192.0.2.1:1"), IsEmpty());
}
TEST_F(Silence, OfOthersIsPassedOver) {
  reresolve_.peers = {{"wg1", KeyOf(0), *Endpoint::Parse("a:1")},
                      {"eth0", KeyOf(0), *Endpoint::Parse("a:1")},
                      {"wg0", KeyOf(7), *Endpoint::Parse("a:1")}};
  EXPECT_THAT(Silent({0}), ElementsAre(0));
}

TEST(ReresolveTest, ANodeNamesItsPeers) {
  const auto key = wgnet::testing::TestKey("a").Public();
  const auto all = Reresolve::Of(Node().Add(
      Interface("wg0").AddPeer(Peer(key).Endpoint("a.example:1")).AddPeer(Peer(PublicKey()))));
  ASSERT_EQ(all.peers.size(), 1u);
  EXPECT_EQ(all.peers[0].interface, "wg0");
  EXPECT_EQ(all.peers[0].public_key, key);
  EXPECT_EQ(all.peers[0].endpoint.ToString(), "a.example:1");
  EXPECT_EQ(all.older_than, std::chrono::seconds(135));
}

// Only what the record has is noted, with the name.
TEST(ReresolveTest, NewEndpointsAreNoted) {
  WgPeer known;
  known.dev = kernel::LinkRef{7, FixedString<15>("wg0")};
  known.public_key = wgnet::testing::TestKey("a").Public();
  known.endpoint = At("192.0.2.1");
  Record record{.owner = "o", .objects = {known}, .names = {{7, *known.public_key, "a:1"}}};
  Reresolution done;
  for (const char* seed : {"a", "b"}) {
    WgPeer after = known;
    after.public_key = wgnet::testing::TestKey(seed).Public();
    after.endpoint = At("192.0.2.2");
    done.ops.push_back({.object = after, .before = known});
    done.names.push_back({7, *after.public_key, "b:51820"});
  }
  NoteEndpoints(done, record);
  ASSERT_EQ(record.objects.size(), 1u);
  EXPECT_EQ(std::get<WgPeer>(record.objects[0]).endpoint, At("192.0.2.2"));
  const GivenEndpoints given(record);
  const auto* found = given.Find(7, *known.public_key, *Endpoint::Parse("b:51820"));
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(*found, At("192.0.2.2"));
  EXPECT_EQ(given.Find(7, *known.public_key, *Endpoint::Parse("a:1")), nullptr);
  EXPECT_EQ(given.Find(8, *known.public_key, *Endpoint::Parse("b:51820")), nullptr);
}

}  // namespace
}  // namespace wgnet::plan
