// SPDX-License-Identifier: MIT OR Apache-2.0
// How edits of peers are packed into SET_DEVICE messages, judged by a model of what the kernel does
// with them.
#include <deque>
#include <random>

#include "tests/unit/peer_messages.h"

namespace wgnet::kernel {
namespace {

using netlink::Bytes;
using netlink::MessageWriter;
using testing::CountingKey;
using testing::Wg0;

constexpr EncodeContext kContext{.wireguard_family = 33};

class Packed {
 public:
  explicit Packed(std::span<const Edit<WgPeer>> edits, Packing packing = Packing::kTogether)
      : places(EncodePeers(edits, packing, kContext, given, out)), messages(Parse(bytes.bytes())) {
    EXPECT_TRUE(out.ok()) << out.error();
    ExpectEveryNestFits();
  }

  // Bytes of the messages of an edit.
  std::vector<SetDevice> MessagesOf(size_t edit) const {
    return Parse(bytes.bytes().subspan(places[edit].begin, places[edit].end - places[edit].begin));
  }

  SecretBuffer bytes;
  uint32_t sequence = 1;
  MessageWriter out{bytes, sequence};
  GivenIps given;
  std::vector<PeerMessages> places;
  std::vector<SetDevice> messages;

 private:
  void ExpectEveryNestFits() const {
    for (const SetDevice& message : messages) EXPECT_LE(message.nest, size_t{UINT16_MAX});
  }
};

// What edits are made of outlives them.
class Edits {
 public:
  void Add(WgPeer peer) { Put(Verb::kAdd, peer, peer); }
  void Delete(WgPeer peer) { Put(Verb::kDelete, peer, peer); }
  void Change(WgPeer before, WgPeer after) { Put(Verb::kChange, after, before); }
  std::span<const Edit<WgPeer>> span() const { return edits_; }

 private:
  void Put(Verb verb, WgPeer object, WgPeer before) {
    peers_.push_back(std::move(object));
    peers_.push_back(std::move(before));
    edits_.push_back({verb, peers_[peers_.size() - 2], peers_.back()});
  }
  std::deque<WgPeer> peers_;
  std::vector<Edit<WgPeer>> edits_;
};

std::vector<std::string> FlagsOf(const SetDevice& message) {
  std::vector<std::string> flags;
  for (const PeerNest& peer : message.peers) flags.push_back(std::to_string(peer.flags));
  return flags;
}

TEST(EncodePeersTest, NothingIsNoMessage) {
  const Packed packed({});
  EXPECT_TRUE(packed.messages.empty());
  EXPECT_TRUE(packed.places.empty());
}

TEST(EncodePeersTest, PeersOfOneDeviceShareAMessage) {
  Edits edits;
  for (int i = 0; i < 10; ++i) edits.Add(PeerWith(i, {Ipv4(static_cast<uint32_t>(i))}));
  const Packed packed(edits.span());
  ASSERT_EQ(packed.messages.size(), 1u);
  EXPECT_EQ(packed.messages[0].peers.size(), 10u);
  EXPECT_EQ(packed.messages[0].link, 7u);
  for (const PeerMessages& place : packed.places) {
    EXPECT_EQ(place.first, 1u);
    EXPECT_EQ(place.last, 1u);
    EXPECT_EQ(place.begin, 0u);
    EXPECT_EQ(place.end, packed.bytes.size());
    EXPECT_EQ(place.last_message, 0u);
  }
}

TEST(EncodePeersTest, AnotherDeviceIsAnotherMessage) {
  const LinkRef wg1{8, "wg1"};
  Edits edits;
  edits.Add(PeerWith(1, {}));
  edits.Add(PeerWith(2, {}, wg1));
  edits.Add(PeerWith(3, {}, wg1));
  edits.Add(PeerWith(4, {}));
  const Packed packed(edits.span());
  ASSERT_EQ(packed.messages.size(), 3u);
  EXPECT_EQ(packed.messages[0].link, 7u);
  EXPECT_EQ(packed.messages[1].link, 8u);
  EXPECT_EQ(packed.messages[1].peers.size(), 2u);
  EXPECT_EQ(packed.messages[2].link, 7u);
  EXPECT_EQ(packed.places[2].first, 2u);
  EXPECT_EQ(packed.places[3].first, 3u);
}

TEST(EncodePeersTest, FlagsSayWhatAnEditIs) {
  Edits edits;
  edits.Add(PeerWith(1, {}));
  edits.Change(PeerWith(2, {}), PeerWith(2, {Ipv4(1)}));
  edits.Delete(PeerWith(3, {}));
  const Packed packed(edits.span());
  ASSERT_EQ(packed.messages.size(), 1u);
  EXPECT_EQ(FlagsOf(packed.messages[0]),
            (std::vector<std::string>{"0", std::to_string(WGPEER_F_UPDATE_ONLY),
                                      std::to_string(WGPEER_F_REMOVE_ME)}));
}

// 64 KiB hold about 500 peers with two IPs each.
TEST(EncodePeersTest, MessagesAreAsFullAsANestMayBe) {
  Edits edits;
  constexpr uint32_t kPeers = 5000;
  for (uint32_t i = 0; i < kPeers; ++i) {
    edits.Add(PeerWith(static_cast<int>(i), {Ipv4(i), Ipv6(i)}));
  }
  const Packed packed(edits.span());
  size_t peers = 0;
  for (size_t i = 0; i < packed.messages.size(); ++i) {
    peers += packed.messages[i].peers.size();
    if (i + 1 < packed.messages.size()) {
      EXPECT_GT(packed.messages[i].nest, 64000u);
    }
    EXPECT_EQ(packed.messages[i].sequence, i + 1);
  }
  EXPECT_EQ(peers, kPeers);
  Device device;
  Deliver(packed.messages, device);
  EXPECT_EQ(device.size(), kPeers);
  for (uint32_t i = 0; i < kPeers; ++i) {
    EXPECT_EQ(device.at(KeyOf(static_cast<int>(i))), (std::set<Prefix>{Ipv4(i), Ipv6(i)}));
  }
}

TEST(EncodePeersTest, ALongListIsSplitAndOnlyItsFirstPartMakesThePeer) {
  WgPeer peer = PeerWith(1, Range(0, 4000, Ipv6));
  peer.preshared_key = CountingKey<SecretKey>(1);
  Edits edits;
  edits.Add(peer);
  const Packed packed(edits.span());
  EXPECT_GT(packed.messages.size(), 1u);
  bool first = true;
  for (const SetDevice& message : packed.messages) {
    for (const PeerNest& nest : message.peers) {
      EXPECT_EQ(nest.flags, first ? 0u : uint32_t{WGPEER_F_UPDATE_ONLY});
      EXPECT_EQ(nest.has_psk, first) << "a later part sends nothing but IPs";
      first = false;
    }
  }
  Device device;
  Deliver(packed.messages, device);
  EXPECT_EQ(device.at(KeyOf(1)).size(), 4000u);
  EXPECT_EQ(packed.places[0].first, 1u);
  EXPECT_EQ(packed.places[0].last, packed.messages.size());
  EXPECT_EQ(packed.places[0].end, packed.bytes.size());
}

// Every length around the places where a list is cut.
TEST(EncodePeersTest, NoAllowedIpIsLostWhereAListIsCut) {
  for (const uint32_t count : {0u, 1u, 511u, 512u, 513u, 1023u, 1024u, 1025u, 1536u, 1600u}) {
    Edits edits;
    edits.Add(PeerWith(1, Range(0, count, Ipv6)));
    edits.Add(PeerWith(2, Range(0, count)));
    Device device;
    Deliver(Packed(edits.span()).messages, device);
    EXPECT_EQ(device.at(KeyOf(1)).size(), count);
    EXPECT_EQ(device.at(KeyOf(2)).size(), count);
  }
}

// ---- IPs that leave ----

constexpr char kThrowAway[] = "wgnet: takes an allowed IP, goes";

bool IsThrowAway(const PublicKey& key) {
  return std::memcmp(key.bytes().data(), kThrowAway, PublicKey::kSize) == 0;
}

TEST(EncodePeersTest, AnIpIsTakenAwayByAPeerThatGoesInTheSameMessage) {
  Edits edits;
  edits.Change(PeerWith(1, {Ipv4(1), Ipv4(2)}), PeerWith(1, {Ipv4(2)}));
  const Packed packed(edits.span());
  ASSERT_EQ(packed.messages.size(), 1u);
  const auto& peers = packed.messages[0].peers;
  ASSERT_EQ(peers.size(), 3u);
  EXPECT_EQ(peers[0].key, KeyOf(1));
  EXPECT_TRUE(peers[0].ips.empty());
  EXPECT_TRUE(IsThrowAway(peers[1].key) && IsThrowAway(peers[2].key));
  EXPECT_EQ(peers[1].ips, std::vector{Ipv4(1)});
  EXPECT_EQ(peers[2].flags, uint32_t{WGPEER_F_REMOVE_ME});
}

TEST(EncodePeersTest, ManyIpsAreTakenAwayInPartsNoneOfWhichLeavesItsPeer) {
  Edits edits;
  edits.Change(PeerWith(1, Range(0, 3000, Ipv6)), PeerWith(1, {Ipv6(0)}));
  const Packed packed(edits.span());
  EXPECT_GT(packed.messages.size(), 1u);
  Device device{{KeyOf(1), {}}};
  for (const Prefix& ip : Range(0, 3000, Ipv6)) device[KeyOf(1)].insert(ip);
  for (const SetDevice& message : packed.messages) {
    Deliver({message}, device);
    EXPECT_EQ(device.size(), 1u) << "the throw-away peer is left behind a message";
  }
  EXPECT_EQ(device.at(KeyOf(1)), std::set<Prefix>{Ipv6(0)});
}

TEST(EncodePeersTest, AnIpThatAnotherPeerGetsIsMovedByThatAlone) {
  for (const bool giver_first : {true, false}) {
    Edits edits;
    const auto take = [&] { edits.Change(PeerWith(1, {Ipv4(1)}), PeerWith(1, {})); };
    const auto give = [&] { edits.Change(PeerWith(2, {}), PeerWith(2, {Ipv4(1)})); };
    giver_first ? take() : give();
    giver_first ? give() : take();
    const Packed packed(edits.span());
    ASSERT_EQ(packed.messages.size(), 1u);
    EXPECT_EQ(packed.messages[0].peers.size(), 2u) << "no throw-away peer";
    Device device{{KeyOf(1), {Ipv4(1)}}, {KeyOf(2), {}}};
    Deliver(packed.messages, device);
    EXPECT_EQ(device, (Device{{KeyOf(1), {}}, {KeyOf(2), {Ipv4(1)}}})) << giver_first;
  }
}

TEST(EncodePeersTest, PeersMaySwapTheirIps) {
  Edits edits;
  edits.Change(PeerWith(1, {Ipv4(1), Ipv6(1)}), PeerWith(1, {Ipv4(2), Ipv6(1)}));
  edits.Change(PeerWith(2, {Ipv4(2)}), PeerWith(2, {Ipv4(1)}));
  Device device{{KeyOf(1), {Ipv4(1), Ipv6(1)}}, {KeyOf(2), {Ipv4(2)}}};
  Deliver(Packed(edits.span()).messages, device);
  EXPECT_EQ(device, (Device{{KeyOf(1), {Ipv4(2), Ipv6(1)}}, {KeyOf(2), {Ipv4(1)}}}));
}

// The same prefix of another device is another thing.
TEST(EncodePeersTest, AnIpThatAPeerOfAnotherDeviceGetsIsTakenAway) {
  Edits edits;
  edits.Change(PeerWith(1, {Ipv4(1)}), PeerWith(1, {}));
  edits.Add(PeerWith(2, {Ipv4(1)}, {8, "wg1"}));
  const Packed packed(edits.span());
  ASSERT_EQ(packed.messages.size(), 2u);
  EXPECT_EQ(packed.messages[0].peers.size(), 3u);
}

TEST(EncodePeersTest, WhatEarlierEditsGaveIsRemembered) {
  Edits first;
  first.Change(PeerWith(2, {}), PeerWith(2, {Ipv4(1)}));
  Edits second;
  second.Change(PeerWith(1, {Ipv4(1), Ipv4(2)}), PeerWith(1, {}));
  SecretBuffer bytes;
  uint32_t sequence = 1;
  MessageWriter out(bytes, sequence);
  GivenIps given;
  EncodePeers(first.span(), Packing::kTogether, kContext, given, out);
  EncodePeers(second.span(), Packing::kTogether, kContext, given, out);
  Device device{{KeyOf(1), {Ipv4(1), Ipv4(2)}}, {KeyOf(2), {}}};
  Deliver(Parse(bytes.bytes()), device);
  EXPECT_EQ(device, (Device{{KeyOf(1), {}}, {KeyOf(2), {Ipv4(1)}}}));
}

TEST(EncodePeersTest, UnstatedAllowedIpsStayAsTheyAre) {
  WgPeer after;
  after.dev = Wg0();
  after.public_key = KeyOf(1);
  after.keepalive = 25;
  Edits edits;
  edits.Change(PeerWith(1, {Ipv4(1)}), after);
  Device device{{KeyOf(1), {Ipv4(1)}}};
  Deliver(Packed(edits.span()).messages, device);
  EXPECT_EQ(device, (Device{{KeyOf(1), {Ipv4(1)}}}));
}

// ---- apart ----

TEST(EncodePeersTest, ApartEveryEditHasMessagesOfItsOwn) {
  Edits edits;
  edits.Add(PeerWith(1, Range(0, 2000, Ipv6)));
  edits.Change(PeerWith(2, {Ipv4(1)}), PeerWith(2, {}));
  edits.Delete(PeerWith(3, {}));
  const Packed packed(edits.span(), Packing::kApart);
  for (size_t i = 0; i < 3; ++i) {
    for (const SetDevice& message : packed.MessagesOf(i)) {
      for (const PeerNest& nest : message.peers) {
        EXPECT_TRUE(IsThrowAway(nest.key) || nest.key == KeyOf(static_cast<int>(i) + 1));
      }
    }
    if (i > 0) {
      EXPECT_EQ(packed.places[i].begin, packed.places[i - 1].end);
    }
  }
  EXPECT_EQ(packed.places.back().end, packed.bytes.size());
}

TEST(EncodePeersTest, ApartAChangeFirstRemovesAThrowAwayPeerThatWasLeft) {
  Edits edits;
  edits.Change(PeerWith(1, {Ipv4(1)}), PeerWith(1, {Ipv4(2)}));
  const Packed packed(edits.span(), Packing::kApart);
  ASSERT_EQ(packed.messages.size(), 1u);
  EXPECT_TRUE(IsThrowAway(packed.messages[0].peers.front().key));
  EXPECT_EQ(packed.messages[0].peers.front().flags, uint32_t{WGPEER_F_REMOVE_ME});
}

TEST(EncodePeersTest, ApartAnIpIsHandedBackByWhoeverIsTakenBack) {
  Edits edits;
  edits.Change(PeerWith(1, {}), PeerWith(1, {Ipv4(1)}));
  edits.Change(PeerWith(2, {Ipv4(1)}), PeerWith(2, {}));
  const Packed packed(edits.span(), Packing::kApart);
  // Either one alone gives the IP back; both together do, too.
  for (const auto& which : {std::vector<size_t>{0}, {1}, {0, 1}}) {
    Device device{{KeyOf(1), {}}, {KeyOf(2), {Ipv4(1)}}};
    for (const size_t edit : which) Deliver(packed.MessagesOf(edit), device);
    EXPECT_EQ(device, (Device{{KeyOf(1), {Ipv4(1)}}, {KeyOf(2), {}}})) << which.size();
  }
}

TEST(EncodePeersTest, ApartAPeerThatGoesHandsOverWhatAnotherHad) {
  Edits edits;
  edits.Change(PeerWith(1, {}), PeerWith(1, {Ipv4(1)}));
  edits.Delete(PeerWith(2, {Ipv4(1), Ipv4(2)}));
  const Packed packed(edits.span(), Packing::kApart);
  Device device{{KeyOf(1), {}}, {KeyOf(2), {Ipv4(1), Ipv4(2)}}};
  Deliver(packed.MessagesOf(1), device);
  EXPECT_EQ(device, (Device{{KeyOf(1), {Ipv4(1)}}}));
}

// ---- any edits ----

std::map<int, std::vector<Prefix>> RandomDevice(std::mt19937& random) {
  std::map<int, std::vector<Prefix>> peers;
  for (int key = 1; key <= 6; ++key) {
    if (random() % 4 != 0) peers[key];
  }
  for (uint32_t ip = 0; ip < 12; ++ip) {
    if (peers.empty() || random() % 4 == 0) continue;
    auto at = peers.begin();
    std::advance(at, static_cast<long>(random() % peers.size()));
    at->second.push_back(random() % 2 == 0 ? Ipv4(ip) : Ipv6(ip));
  }
  return peers;
}

Device DeviceOf(const std::map<int, std::vector<Prefix>>& peers) {
  Device device;
  for (const auto& [key, ips] : peers) device[KeyOf(key)] = {ips.begin(), ips.end()};
  return device;
}

TEST(EncodePeersTest, AnyDeviceBecomesAnyOther) {
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    const auto before = RandomDevice(random);
    const auto after = RandomDevice(random);
    Edits edits;
    for (const auto& [key, ips] : before) {
      if (!after.contains(key)) edits.Delete(PeerWith(key, ips));
    }
    for (const auto& [key, ips] : after) {
      if (!before.contains(key)) {
        edits.Add(PeerWith(key, ips));
      } else {
        edits.Change(PeerWith(key, before.at(key)), PeerWith(key, ips));
      }
    }
    Device device = DeviceOf(before);
    Deliver(Packed(edits.span()).messages, device);
    EXPECT_EQ(device, DeviceOf(after)) << i;
    Device apart = DeviceOf(before);
    Deliver(Packed(edits.span(), Packing::kApart).messages, apart);
    EXPECT_EQ(apart, DeviceOf(after)) << i << ", apart";
  }
}

TEST(NormalizeAllowedIpsTest, MasksSortsAndDropsDoubles) {
  std::vector<Prefix> ips = {
      testing::ParsePrefix("fd00::1/64"),   testing::ParsePrefix("10.1.2.3/8"),
      testing::ParsePrefix("192.0.2.1/32"), testing::ParsePrefix("10.9.9.9/8"),
      testing::ParsePrefix("10.0.0.0/16"),  testing::ParsePrefix("0.0.0.0/0")};
  NormalizeAllowedIps(ips);
  EXPECT_EQ(AllowedIpList::Text(ips), "0.0.0.0/0,10.0.0.0/8,10.0.0.0/16,192.0.2.1/32,fd00::/64");
  NormalizeAllowedIps(ips);
  EXPECT_EQ(ips.size(), 5u);
}

}  // namespace
}  // namespace wgnet::kernel
