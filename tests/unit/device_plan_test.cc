// SPDX-License-Identifier: MIT OR Apache-2.0
// What `wg set`, `setconf`, `addconf` and `syncconf` leave of a device, and by which steps.
#include "src/plan/device_plan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/support/model_kernel.h"
#include "tests/support/world.h"
#include "tests/unit/peer_messages.h"
#include "wgnet/conf.h"

namespace wgnet::plan {
namespace {

using kernel::Verb;
using kernel::WgDevice;
using kernel::WgPeer;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using wgnet::testing::ModelKernel;
using wgnet::testing::TestKey;
using Update = ConfFile::Update;

const SecretKey kOwn = TestKey("own").Clamped();
const SecretKey kPsk = TestKey("psk");
const PublicKey kA = TestKey("a").Public();
const PublicKey kB = TestKey("b").Public();
const PublicKey kC = TestKey("c").Public();

// A device that is up, with the peers A, which has everything, and B, which has an allowed IP.
class Kernel {
 public:
  Kernel() {
    kernel::Link link = model_.AddLink("wg0", 7);
    std::get<kernel::Link>(*model_.Find(link)).kind = FixedString<31>("wireguard");
    WgDevice device;
    device.dev = link.ref();
    device.private_key = kOwn;
    device.public_key = kOwn.Public();
    device.listen_port = 51820;
    device.fwmark = 5;
    model_.objects().emplace_back(device);
    WgPeer peer;
    peer.dev = link.ref();
    peer.public_key = kA;
    peer.preshared_key = kPsk;
    peer.endpoint = {*IpAddress::Parse("192.0.2.1"), 1, 0};
    peer.keepalive = 25;
    peer.allowed_ips = {*Prefix::Parse("10.1.0.0/16"), *Prefix::Parse("10.2.0.0/16")};
    model_.objects().emplace_back(peer);
    peer.public_key = kB;
    peer.preshared_key.emplace();
    peer.endpoint.reset();
    peer.keepalive = 0;
    peer.allowed_ips = {*Prefix::Parse("10.3.0.0/16")};
    model_.objects().emplace_back(peer);
  }

  void SetUp(bool up) {
    for (auto& object : model_.objects()) {
      auto* link = std::get_if<kernel::Link>(&object);
      if (link != nullptr && link->index == 7u) link->up = up;
    }
  }

  Result<std::vector<Op>> Plan(const DeviceUpdate& update) const {
    return PlanDevice(update, *ResolveHosts(update, {}), model_.Read());
  }

  // Carries the ops out, or says why it cannot.
  std::string Apply(const DeviceUpdate& update) {
    const auto ops = Plan(update);
    if (!ops) return ops.error().ToString();
    for (const Op& op : *ops) {
      if (const std::string problem = model_.Do(op); !problem.empty()) return problem;
    }
    return State();
  }

  // "own 51820 0x5; A psk 192.0.2.1:1 25 10.1.0.0/16,10.2.0.0/16; B 10.3.0.0/16"
  std::string State() const {
    std::string device_text;
    std::vector<std::string> peers;
    for (const auto& object : model_.objects()) {
      if (const auto* device = std::get_if<WgDevice>(&object)) device_text = TextOf(*device);
      if (const auto* peer = std::get_if<WgPeer>(&object)) peers.push_back(TextOf(*peer));
    }
    std::sort(peers.begin(), peers.end());
    for (const std::string& peer : peers) device_text += "; " + peer;
    return device_text;
  }

 private:
  static std::string TextOf(const WgDevice& device) {
    return fmt::format("{} {} {:#x}",
                       device.private_key->is_zero() ? "none"
                       : device.private_key == kOwn  ? "own"
                                                     : "other",
                       *device.listen_port, *device.fwmark);
  }

  static std::string TextOf(const WgPeer& peer) {
    std::string text = peer.public_key == kA   ? "A"
                       : peer.public_key == kB ? "B"
                       : peer.public_key == kC ? "C"
                                               : "Z";
    if (!peer.preshared_key->is_zero()) text += peer.preshared_key == kPsk ? " psk" : " other";
    if (peer.endpoint) text += " " + kernel::SocketAddressWire::Text(*peer.endpoint);
    if (*peer.keepalive != 0) text += " " + std::to_string(*peer.keepalive);
    const std::string ips = kernel::AllowedIpList::Text(*peer.allowed_ips);
    return text + (ips.empty() ? "" : " " + ips);
  }

  ModelKernel model_;
};

constexpr std::string_view kDevice = "own 51820 0x5";
constexpr std::string_view kPeerA = "; A psk 192.0.2.1:1 25 10.1.0.0/16,10.2.0.0/16";
constexpr std::string_view kPeerB = "; B 10.3.0.0/16";

std::string With(std::string_view device, std::string_view a, std::string_view b) {
  return std::string(device) + std::string(a) + std::string(b);
}

DeviceUpdate Wg0() { return DeviceUpdate("wg0"); }
DeviceUpdate OfPeer(PeerUpdate peer) { return Wg0().AddPeer(std::move(peer)); }
PeerUpdate A() { return PeerUpdate(kA); }
PeerUpdate B() { return PeerUpdate(kB); }

std::vector<std::string> StepsOf(const std::vector<Op>& ops) {
  std::vector<std::string> steps;
  for (const Op& op : ops) {
    steps.push_back(fmt::format("{} {}", kernel::VerbName(op.verb), kernel::KindOf(op.object)));
  }
  return steps;
}

struct Case {
  std::string name;
  DeviceUpdate update;
  std::string state;
  std::vector<std::string> steps;
};

void ExpectCases(const std::vector<Case>& cases) {
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    Kernel kernel;
    const auto ops = kernel.Plan(each.update);
    ASSERT_TRUE(ops.ok()) << ops.error();
    EXPECT_EQ(StepsOf(*ops), each.steps);
    EXPECT_EQ(kernel.Apply(each.update), each.state);
  }
}

const std::vector<std::string> kNothing;
const std::vector<std::string> kOnDevice = {"change wireguard"};
const std::vector<std::string> kOnPeer = {"change peer"};
const std::vector<std::string> kAnew = {"delete peer", "add peer"};

std::string DeviceNow(std::string_view device) { return With(device, kPeerA, kPeerB); }
std::string PeerNow(std::string_view a) { return With(kDevice, a, kPeerB); }

TEST(DevicePlanTest, EachTokenOfTheDevice) {
  ExpectCases({
      {"nothing", Wg0(), DeviceNow(kDevice), kNothing},
      {"port", Wg0().ListenPort(7), DeviceNow("own 7 0x5"), kOnDevice},
      {"same port", Wg0().ListenPort("51820"), DeviceNow(kDevice), kNothing},
      {"any port", Wg0().ListenPort(0), DeviceNow("own 0 0x5"), kOnDevice},
      {"mark", Wg0().FwMark("0xff"), DeviceNow("own 51820 0xff"), kOnDevice},
      {"no mark", Wg0().FwMark("off"), DeviceNow("own 51820 0x0"), kOnDevice},
      {"same mark", Wg0().FwMark(5), DeviceNow(kDevice), kNothing},
      {"key", Wg0().PrivateKey(TestKey("new")), DeviceNow("other 51820 0x5"), kOnDevice},
      {"no key", Wg0().PrivateKey(SecretKey()), DeviceNow("none 51820 0x5"), kOnDevice},
      {"same key", Wg0().PrivateKey(TestKey("own")), DeviceNow(kDevice), kNothing},
      {"all",
       Wg0().PrivateKey(SecretKey()).ListenPort(1).FwMark(1),
       DeviceNow("none 1 0x1"),
       {"change wireguard", "change wireguard"}},
  });
}

TEST(DevicePlanTest, EachTokenOfAPeer) {
  ExpectCases({
      {"nothing", OfPeer(A()), PeerNow(kPeerA), kNothing},
      {"remove", OfPeer(A().Remove()), With(kDevice, "", kPeerB), {"delete peer"}},
      {"remove nobody", OfPeer(PeerUpdate(kC).Remove()), PeerNow(kPeerA), kNothing},
      {"remove and more",
       OfPeer(A().AllowedIp("::/0").Remove()),
       With(kDevice, "", kPeerB),
       {"delete peer"}},
      {"new", OfPeer(PeerUpdate(kC)), PeerNow(kPeerA) + "; C", {"add peer"}},
      {"key", OfPeer(A().PresharedKey(TestKey("x"))),
       PeerNow("; A other 192.0.2.1:1 25 10.1.0.0/16,10.2.0.0/16"), kOnPeer},
      {"same key", OfPeer(A().PresharedKey(kPsk)), PeerNow(kPeerA), kNothing},
      {"no key", OfPeer(A().PresharedKey(SecretKey())),
       PeerNow("; A 192.0.2.1:1 25 10.1.0.0/16,10.2.0.0/16"), kOnPeer},
      {"endpoint", OfPeer(A().Endpoint("[fd00::1]:2")),
       PeerNow("; A psk [fd00::1]:2 25 10.1.0.0/16,10.2.0.0/16"), kOnPeer},
      {"endpoint on a link", OfPeer(A().Endpoint("[fe80::1%wg0]:2")),
       PeerNow("; A psk [fe80::1%7]:2 25 10.1.0.0/16,10.2.0.0/16"), kOnPeer},
      {"same endpoint", OfPeer(A().Endpoint("192.0.2.1:1")), PeerNow(kPeerA), kNothing},
      {"keepalive", OfPeer(A().PersistentKeepalive(7)),
       PeerNow("; A psk 192.0.2.1:1 7 10.1.0.0/16,10.2.0.0/16"), kOnPeer},
      {"no keepalive", OfPeer(A().PersistentKeepalive("OFF")),
       PeerNow("; A psk 192.0.2.1:1 10.1.0.0/16,10.2.0.0/16"), kOnPeer},
      {"same keepalive", OfPeer(A().PersistentKeepalive(25)), PeerNow(kPeerA), kNothing},
      {"twice", Wg0().AddPeer(A().PersistentKeepalive(1)).AddPeer(A().PersistentKeepalive(2)),
       PeerNow("; A psk 192.0.2.1:1 2 10.1.0.0/16,10.2.0.0/16"), kOnPeer},
      {"remove, and again", Wg0().AddPeer(A().Remove()).AddPeer(A().AllowedIp("::/0")),
       PeerNow("; A ::/0"), kAnew},
      {"again, and remove",
       Wg0().AddPeer(A().AllowedIp("::/0")).AddPeer(A().Remove()),
       With(kDevice, "", kPeerB),
       {"delete peer"}},
      {"the device itself", OfPeer(PeerUpdate(kOwn.Public()).AllowedIp("10.1.0.0/16")),
       PeerNow(kPeerA), kNothing},
      {"zeros", OfPeer(PeerUpdate(PublicKey())), DeviceNow(kDevice) + "; Z", {"add peer"}},
  });
}

Case Ips(std::string list, std::string ips, std::vector<std::string> steps = kOnPeer) {
  return {list, OfPeer(A().AllowedIps(list)),
          PeerNow("; A psk 192.0.2.1:1 25" + (ips.empty() ? "" : " " + ips)), std::move(steps)};
}

TEST(DevicePlanTest, AllowedIps) {
  ExpectCases({
      Ips("", ""),
      Ips(" ", ""),
      Ips("10.4.0.0/16", "10.4.0.0/16"),
      Ips("10.4.1.1/16", "10.4.0.0/16"),
      Ips("10.1.0.0/16, 10.4.0.0/16", "10.1.0.0/16,10.4.0.0/16"),
      Ips("10.2.0.0/16,10.1.0.0/16,10.1.0.0/16", "10.1.0.0/16,10.2.0.0/16", kNothing),
      Ips("+10.4.0.0/16", "10.1.0.0/16,10.2.0.0/16,10.4.0.0/16"),
      Ips("+10.4.0.0/16,-10.1.0.0/16", "10.2.0.0/16,10.4.0.0/16"),
      Ips("10.4.0.0/16,-10.1.0.0/16", "10.2.0.0/16,10.4.0.0/16"),
      Ips("+10.4.0.0/16,-10.4.0.0/16", "10.1.0.0/16,10.2.0.0/16", kNothing),
      Ips("-10.1.0.0/16,+10.1.0.0/16", "10.1.0.0/16,10.2.0.0/16", kNothing),
      Ips("+10.1.0.0/16", "10.1.0.0/16,10.2.0.0/16", kNothing),
      Ips("-10.3.0.0/16", "10.1.0.0/16,10.2.0.0/16", kNothing),
      Ips("-10.1.0.0/16,-10.2.0.0/16", ""),
      {"replaced, then more", OfPeer(A().AllowedIps("::/0").AllowedIps("+fd00::/8")),
       PeerNow("; A psk 192.0.2.1:1 25 10.1.0.0/16,10.2.0.0/16,::/0,fd00::/8"), kOnPeer},
      {"more, then replaced", OfPeer(A().AllowedIps("+fd00::/8").AllowedIps("")),
       PeerNow("; A psk 192.0.2.1:1 25 fd00::/8"), kOnPeer},
  });
}

TEST(DevicePlanTest, TheLastClaimWins) {
  const std::vector<std::string> both = {"change peer", "change peer"};
  ExpectCases({
      {"from another", OfPeer(B().AllowedIp("10.1.0.0/16")),
       With(kDevice, "; A psk 192.0.2.1:1 25 10.2.0.0/16", "; B 10.1.0.0/16,10.3.0.0/16"), both},
      {"in one update", Wg0().AddPeer(A().AllowedIps("::/0")).AddPeer(B().AllowedIps("::/0")),
       With(kDevice, "; A psk 192.0.2.1:1 25", "; B ::/0"), both},
      {"there and back",
       Wg0().AddPeer(B().AllowedIp("10.1.0.0/16")).AddPeer(A().AllowedIp("10.1.0.0/16")),
       DeviceNow(kDevice), kNothing},
      {"from one that goes",
       Wg0().AddPeer(B().AllowedIp("10.1.0.0/16")).AddPeer(A().Remove()),
       With(kDevice, "", "; B 10.1.0.0/16,10.3.0.0/16"),
       {"change peer", "delete peer"}},
  });
}

TEST(DevicePlanTest, AKeyKeepsItsOwnPeerOut) {
  ExpectCases({
      {"a peer becomes the device",
       Wg0().PrivateKey(TestKey("a")),
       With("other 51820 0x5", "", kPeerB),
       {"delete peer", "change wireguard"}},
      {"the device becomes a peer",
       Wg0().PrivateKey(SecretKey()).AddPeer(PeerUpdate(kOwn.Public())),
       DeviceNow("none 51820 0x5") + "; Z",
       {"change wireguard", "add peer"}},
  });
}

// ---- files ----

const std::string kWholeFile =
    "[Interface]\nPrivateKey = " + kOwn.Reveal() +
    "\nListenPort = 51820\nFwMark = 5\n[Peer]\nPublicKey = " + kA.ToString() +
    "\nPresharedKey = " + kPsk.Reveal() +
    "\nEndpoint = 192.0.2.1:1\nPersistentKeepalive = 25\n"
    "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16\n[Peer]\nPublicKey = " +
    kB.ToString() + "\nAllowedIPs = 10.3.0.0/16\n";

std::string PeerA(std::string_view rest) {
  return "[Peer]\nPublicKey = " + kA.ToString() + "\n" + std::string(rest);
}

std::string OwnKey() { return "[Interface]\nPrivateKey = " + kOwn.Reveal() + "\n"; }

DeviceUpdate Of(const std::string& file, Update how) {
  const auto conf = ConfFile::Parse(file, "file", ConfFile::Grammar::kWg);
  if (!conf) ADD_FAILURE() << conf.error();
  return *conf->ToDeviceUpdate("wg0", how);
}

TEST(DevicePlanTest, AnEqualFileSendsNothing) {
  for (const Update how : {Update::kAdd, Update::kSet, Update::kSync}) {
    EXPECT_THAT(*Kernel().Plan(Of(kWholeFile, how)), IsEmpty());
  }
}

TEST(DevicePlanTest, AddConf) {
  ExpectCases({
      {"empty", Of("", Update::kAdd), DeviceNow(kDevice), kNothing},
      {"port", Of("[Interface]\nListenPort = 7", Update::kAdd), DeviceNow("own 7 0x5"), kOnDevice},
      {"bare peer", Of(PeerA(""), Update::kAdd), PeerNow("; A psk 192.0.2.1:1 25"), kOnPeer},
      {"marked", Of(PeerA("AllowedIPs = +::/0, -10.1.0.0/16"), Update::kAdd),
       PeerNow("; A psk 192.0.2.1:1 25 10.2.0.0/16,::/0"), kOnPeer},
      {"marked, and a line without",
       Of(PeerA("AllowedIPs=+::/0\nAllowedIPs=fd00::/8"), Update::kAdd),
       PeerNow("; A psk 192.0.2.1:1 25 ::/0,fd00::/8"), kOnPeer},
  });
}

TEST(DevicePlanTest, SetConf) {
  ExpectCases({
      {"empty",
       Of("", Update::kSet),
       "none 0 0x0",
       {"change wireguard", "delete peer", "delete peer", "change wireguard"}},
      {"forgotten endpoint",
       Of(OwnKey() + "ListenPort=51820\nFwMark=5\n" + PeerA("AllowedIPs = 10.1.0.0/16"),
          Update::kSet),
       "own 51820 0x5; A 10.1.0.0/16",
       {"delete peer", "add peer", "delete peer"}},
      {"new endpoint",
       Of(OwnKey() + PeerA("Endpoint = 192.0.2.9:9"), Update::kSet),
       "own 0 0x0; A 192.0.2.9:9",
       {"change wireguard", "change peer", "delete peer"}},
      {"a peer twice",
       Of(OwnKey() + PeerA("Endpoint = 192.0.2.1:1\nAllowedIPs = ::/0\n") +
              PeerA("AllowedIPs = 10.0.0.0/8"),
          Update::kSet),
       "own 0 0x0; A 192.0.2.1:1 10.0.0.0/8",
       {"change wireguard", "change peer", "delete peer"}},
      {"marked",
       Of(OwnKey() + PeerA("Endpoint = 192.0.2.1:1\nAllowedIPs = +::/0"), Update::kSet),
       "own 0 0x0; A 192.0.2.1:1 ::/0",
       {"change wireguard", "change peer", "delete peer"}},
  });
}

TEST(DevicePlanTest, SyncConf) {
  ExpectCases({
      {"empty",
       Of("", Update::kSync),
       "none 51820 0x0",
       {"change wireguard", "delete peer", "delete peer", "change wireguard"}},
      {"learned endpoint",
       Of(OwnKey() + "ListenPort=51820\nFwMark=5\n" + PeerA("AllowedIPs = 10.1.0.0/16"),
          Update::kSync),
       "own 51820 0x5; A 192.0.2.1:1 10.1.0.0/16",
       {"change peer", "delete peer"}},
      {"no port",
       Of(OwnKey() + "FwMark=5\n" + PeerA("AllowedIPs = 10.1.0.0/16"), Update::kSync),
       "own 51820 0x5; A 192.0.2.1:1 10.1.0.0/16",
       {"change peer", "delete peer"}},
      {"marked",
       Of(OwnKey() + "FwMark=5\n" + PeerA("AllowedIPs = +::/0"), Update::kSync),
       "own 51820 0x5; A 192.0.2.1:1 10.1.0.0/16,10.2.0.0/16,::/0",
       {"change peer", "delete peer"}},
      {"a peer twice",
       Of(OwnKey() + "FwMark=5\n" + PeerA("PresharedKey=" + kPsk.Reveal()) + "\n" +
              PeerA("AllowedIPs = ::/0"),
          Update::kSync),
       "own 51820 0x5; A psk 192.0.2.1:1 ::/0",
       {"change peer", "delete peer"}},
  });
}

TEST(DevicePlanTest, ADeviceThatIsDownLosesItsPort) {
  Kernel kernel;
  kernel.SetUp(false);
  EXPECT_EQ(kernel.Apply(Of("[Interface]\nFwMark=5\n", Update::kSync)), "none 0 0x5");
}

// ---- errors ----

TEST(DevicePlanTest, OnlyAWireGuardInterfaceIsUpdated) {
  for (const char* name : {"eth0", "wg1"}) {
    const auto ops = Kernel().Plan(DeviceUpdate(name).ListenPort(1));
    ASSERT_FALSE(ops.ok());
    EXPECT_EQ(ops.error().code, ErrorCode::kNotFound);
    EXPECT_EQ(ops.error().where, fmt::format("DeviceUpdate(\"{}\")", name));
  }
}

TEST(DevicePlanTest, AZoneIsALink) {
  const auto ops = Kernel().Plan(OfPeer(A().Endpoint("[fe80::1%none]:2")));
  ASSERT_FALSE(ops.ok());
  EXPECT_EQ(ops.error().where,
            "DeviceUpdate(\"wg0\").PeerUpdate(\"" + kA.ToString() + "\").Endpoint");
}

// ---- messages ----

std::vector<kernel::SetDevice> MessagesOf(const DeviceUpdate& update) {
  const auto ops = *Kernel().Plan(update);
  std::vector<kernel::Edit<WgPeer>> edits;
  for (const Op& op : ops) {
    edits.push_back({op.verb, std::get<WgPeer>(op.object), std::get<WgPeer>(op.image())});
  }
  SecretBuffer bytes;
  uint32_t sequence = 1;
  netlink::MessageWriter out(bytes, sequence);
  kernel::GivenIps given;
  EncodePeers(edits, kernel::Packing::kTogether, {.wireguard_family = 33}, given, out);
  return kernel::Parse(bytes.bytes());
}

TEST(DevicePlanTest, AddingAnIpSendsThatIp) {
  const auto messages = MessagesOf(OfPeer(A().AllowedIps("+10.4.0.0/16")));
  ASSERT_EQ(messages.size(), 1u);
  ASSERT_EQ(messages[0].peers.size(), 1u);
  EXPECT_EQ(messages[0].peers[0].key, kA);
  EXPECT_EQ(messages[0].peers[0].flags, uint32_t{WGPEER_F_UPDATE_ONLY});
  EXPECT_THAT(messages[0].peers[0].ips, ElementsAre(*Prefix::Parse("10.4.0.0/16")));
}

// A kernel before 6.16 cannot take one away, but a peer that goes can.
TEST(DevicePlanTest, TakingAnIpAwayLeavesTheOthersWhereTheyAre) {
  const auto messages = MessagesOf(OfPeer(A().AllowedIps("-10.1.0.0/16")));
  ASSERT_EQ(messages.size(), 1u);
  const auto& peers = messages[0].peers;
  ASSERT_EQ(peers.size(), 3u);
  EXPECT_THAT(peers[0].ips, IsEmpty());
  EXPECT_NE(peers[1].key, kA);
  EXPECT_THAT(peers[1].ips, ElementsAre(*Prefix::Parse("10.1.0.0/16")));
  EXPECT_EQ(peers[2].key, peers[1].key);
  EXPECT_EQ(peers[2].flags, uint32_t{WGPEER_F_REMOVE_ME});
}

TEST(DevicePlanTest, NoMessageReplacesWhatStays) {
  for (const auto& update :
       {OfPeer(A().AllowedIps("10.1.0.0/16")), OfPeer(A().AllowedIps("")), Of("", Update::kAdd),
        OfPeer(B().AllowedIps("10.1.0.0/16,10.3.0.0/16"))}) {
    for (const auto& message : MessagesOf(update)) {
      for (const auto& peer : message.peers) {
        EXPECT_EQ(peer.flags & WGPEER_F_REPLACE_ALLOWEDIPS, 0u);
      }
    }
  }
}

}  // namespace
}  // namespace wgnet::plan
