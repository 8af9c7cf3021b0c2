// SPDX-License-Identifier: MIT OR Apache-2.0
// How the messages of a WG_CMD_GET_DEVICE dump become a device and its peers.
#include <random>
#include <string>

#include "tests/unit/peer_messages.h"

namespace wgnet::kernel {
namespace {

using netlink::Bytes;
using netlink::MessageWriter;

class DumpTest : public ::testing::Test {
 protected:
  DumpTest() {
    dump_.Begin(
        [&](const WgDevice& device) {
          seen_ += "device " + std::to_string(*device.listen_port) + "\n";
        },
        [&](WgPeer& peer) {
          seen_ += "peer " + std::to_string(peer.public_key->bytes()[0]) + " dev " +
                   std::to_string(peer.dev->index) + ": " + AllowedIpList::Text(*peer.allowed_ips) +
                   "\n";
        });
  }

  // One message: the device, and peers with these IPs.
  struct PeerPart {
    int key;
    std::vector<Prefix> ips;
  };
  static std::vector<std::byte> Dumped(const std::vector<PeerPart>& parts, bool has_device = true) {
    SecretBuffer bytes;
    uint32_t sequence = 1;
    MessageWriter out(bytes, sequence);
    out.Begin(33, 0, kGetDevice);
    out.Put(WGDEVICE_A_IFINDEX, uint32_t{7});
    if (has_device) out.Put(WGDEVICE_A_LISTEN_PORT, uint16_t{51820});
    out.Nest(WGDEVICE_A_PEERS, [&] {
      for (const PeerPart& part : parts) {
        out.Nest(0, [&] {
          const PublicKey key = KeyOf(part.key);
          netlink::PublicKeyWire::Put(out, WGPEER_A_PUBLIC_KEY, key);
          if (!part.ips.empty()) AllowedIpList::Put(out, WGPEER_A_ALLOWEDIPS, part.ips);
        });
      }
    });
    return {bytes.bytes().begin(), bytes.bytes().end()};
  }

  bool Feed(Bytes message) { return dump_.Feed({{}, message.subspan(NLMSG_HDRLEN)}); }

  DeviceDump dump_;
  std::string seen_;
};

TEST_F(DumpTest, ThePeersFollowTheDevice) {
  EXPECT_TRUE(Feed(Dumped({{1, {Ipv4(1)}}, {2, {}}})));
  EXPECT_EQ(seen_, "device 51820\npeer 1 dev 7: 10.0.0.1/32\n") << "the last may go on";
  dump_.Finish();
  EXPECT_EQ(seen_, "device 51820\npeer 1 dev 7: 10.0.0.1/32\npeer 2 dev 7: \n");
}

TEST_F(DumpTest, APeerThatGoesOnIsPutTogether) {
  EXPECT_TRUE(Feed(Dumped({{1, {}}, {2, {Ipv4(1), Ipv4(2)}}})));
  EXPECT_TRUE(Feed(Dumped({{2, {Ipv4(3)}}}, false)));
  EXPECT_TRUE(Feed(Dumped({{2, {Ipv4(4)}}, {3, {Ipv4(5)}}}, false)));
  dump_.Finish();
  EXPECT_EQ(seen_,
            "device 51820\npeer 1 dev 7: \n"
            "peer 2 dev 7: 10.0.0.1/32,10.0.0.2/32,10.0.0.3/32,10.0.0.4/32\n"
            "peer 3 dev 7: 10.0.0.5/32\n");
}

TEST_F(DumpTest, ADeviceWithoutPeersIsVisitedOnce) {
  EXPECT_TRUE(Feed(Dumped({})));
  EXPECT_TRUE(Feed(Dumped({}, false)));
  dump_.Finish();
  dump_.Finish();
  EXPECT_EQ(seen_, "device 51820\n");
}

TEST_F(DumpTest, ASecondDumpBeginsAnew) {
  EXPECT_TRUE(Feed(Dumped({{1, {Ipv4(1)}}})));
  seen_.clear();
  dump_.Begin([&](const WgDevice&) { seen_ += "device\n"; },
              [&](WgPeer& peer) { seen_ += AllowedIpList::Text(*peer.allowed_ips) + "\n"; });
  EXPECT_TRUE(Feed(Dumped({{1, {Ipv4(2)}}})));
  dump_.Finish();
  EXPECT_EQ(seen_, "device\n10.0.0.2/32\n") << "nothing of the dump before";
}

TEST_F(DumpTest, APeerWithoutAKeyOrWithABadIpIsMalformed) {
  const auto bad = [](auto&& body) {
    SecretBuffer bytes;
    uint32_t sequence = 1;
    MessageWriter out(bytes, sequence);
    out.Begin(33, 0, kGetDevice);
    out.Put(WGDEVICE_A_LISTEN_PORT, uint16_t{1});
    out.Nest(WGDEVICE_A_PEERS, [&] { out.Nest(0, [&] { body(out); }); });
    return std::vector<std::byte>(bytes.bytes().begin(), bytes.bytes().end());
  };
  const auto with_ip = [&](auto&& put_ip) {
    return bad([&](MessageWriter& out) {
      netlink::PublicKeyWire::Put(out, WGPEER_A_PUBLIC_KEY, KeyOf(1));
      out.Nest(WGPEER_A_ALLOWEDIPS, [&] { out.Nest(0, [&] { put_ip(out); }); });
    });
  };
  const uint8_t address[4] = {10, 0, 0, 1};
  EXPECT_FALSE(Feed(bad([](MessageWriter&) {})));
  EXPECT_FALSE(Feed(bad([](MessageWriter& out) { out.Put(WGPEER_A_PUBLIC_KEY, uint8_t{1}); })));
  EXPECT_FALSE(Feed(with_ip([](MessageWriter&) {})));
  EXPECT_FALSE(
      Feed(with_ip([&](MessageWriter& out) { out.Put(WGALLOWEDIP_A_IPADDR, address, 4); })));
  EXPECT_FALSE(
      Feed(with_ip([&](MessageWriter& out) { out.Put(WGALLOWEDIP_A_CIDR_MASK, uint8_t{8}); })));
  for (const int length : {0, 32, 33, 128, 255}) {
    const bool sound = Feed(with_ip([&](MessageWriter& out) {
      out.Put(WGALLOWEDIP_A_IPADDR, address, 4);
      out.Put(WGALLOWEDIP_A_CIDR_MASK, static_cast<uint8_t>(length));
    }));
    EXPECT_EQ(sound, length <= 32) << length;
  }
}

TEST_F(DumpTest, EveryCutOfAMessageIsSafe) {
  const auto message = Dumped({{1, {Ipv4(1), Ipv6(2)}}, {2, {Ipv4(3)}}});
  for (size_t size = NLMSG_HDRLEN; size < message.size(); ++size) {
    const std::vector<std::byte> cut(message.begin(),
                                     message.begin() + static_cast<ptrdiff_t>(size));
    const bool sound = Feed(cut);
    if (size < NLMSG_HDRLEN + GENL_HDRLEN) {
      EXPECT_FALSE(sound);
    }
    if (size > 60) {
      EXPECT_FALSE(sound) << "the nest of the peers is cut at " << size;
    }
  }
}

TEST_F(DumpTest, DamagedMessagesAreSafe) {
  std::mt19937 random(1);
  const auto message = Dumped({{1, {Ipv4(1), Ipv6(2)}}, {2, {Ipv4(3)}}});
  size_t refused = 0;
  // What is visited may lack anything; only that it ends is asked for.
  for (int i = 0; i < 5000; ++i) {
    DeviceDump dump;
    dump.Begin([](const WgDevice&) {}, [](WgPeer& peer) { EXPECT_TRUE(peer.public_key); });
    auto damaged = message;
    damaged[NLMSG_HDRLEN + random() % (damaged.size() - NLMSG_HDRLEN)] =
        static_cast<std::byte>(random());
    if (!dump.Feed({{}, Bytes(damaged).subspan(NLMSG_HDRLEN)})) ++refused;
    dump.Finish();
  }
  EXPECT_GT(refused, 100u);
}

}  // namespace
}  // namespace wgnet::kernel
