// SPDX-License-Identifier: MIT OR Apache-2.0
// A thousand peers on a kernel with WireGuard: they arrive whole, a change of one touches that one
// only, and those that are live lose no packet while others come, change and go, and with them
// addresses, routes and name servers.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sodium.h>
#include <sys/mount.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "src/dns/host.h"
#include "tests/support/far_side.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

constexpr int kPeers = 1000;
constexpr int kLivePeers = 50;
constexpr int kRounds = 8;
constexpr int kPerRound = 10;  // peers that come, and change, and go, in each round
constexpr char kHubAddress[] = "10.50.0.1";

using Clock = std::chrono::steady_clock;

SecretKey KeyFrom(const std::string& seed) {
  uint8_t bytes[SecretKey::kSize];
  crypto_generichash(bytes, sizeof bytes, reinterpret_cast<const uint8_t*>(seed.data()),
                     seed.size(), nullptr, 0);
  return SecretKey(bytes);
}

SecretKey KeyOf(int number) { return KeyFrom(fmt::format("peer {}", number)); }

std::string AddressOf(int number) {
  return fmt::format("10.50.{}.{}", 1 + number / 250, 2 + number % 250);
}

// A third of the idle peers has an endpoint, and calls nobody; the others have a keepalive.
Peer PeerOf(int number) {
  Peer peer(KeyOf(number).Public());
  peer.PresharedKey(KeyFrom(fmt::format("psk {}", number)))
      .AllowedIp(AddressOf(number) + "/32")
      .AllowedIp(fmt::format("fd50::{:x}/128", number + 2));
  if (number < kLivePeers) return peer;
  if (number % 3 != 0) return peer.PersistentKeepalive(1 + number % 100);
  return peer.Endpoint(fmt::format("192.0.2.{}:{}", number % 250, 1000 + number));
}

using Peers = std::map<int, Peer>;

Peers AllPeers() {
  Peers peers;
  for (int i = 0; i < kPeers; ++i) peers[i] = PeerOf(i);
  return peers;
}

Interface Hub(const Peers& peers) {
  Interface hub("hub");
  hub.PrivateKey(KeyFrom("hub")).ListenPort(51900);
  hub.Address(std::string(kHubAddress) + "/16").Address("fd50::1/64");
  for (const auto& entry : peers) hub.AddPeer(entry.second);
  return hub;
}

Node HubWith(const Peers& peers) { return Node().Add(Hub(peers)); }

// ---- what `wg show hub dump` says ----

struct Shown {
  std::string line;  // all but the endpoint, and what moves
  std::string endpoint;
  int64_t handshake = 0;
  uint64_t rx = 0;
  uint64_t tx = 0;
};

// wg tells allowed IPs in an order of its own.
std::string LineOf(const std::string& psk, const std::multiset<std::string>& ips,
                   const std::string& keepalive) {
  return fmt::format("{} {} {}", psk, fmt::join(ips, ","), keepalive);
}

std::multiset<std::string> Split(const std::string& list) {
  std::multiset<std::string> items;
  std::istringstream in(list);
  for (std::string item; std::getline(in, item, ',');) items.insert(item);
  return items;
}

std::map<std::string, Shown> ShownPeers() {
  std::map<std::string, Shown> peers;
  std::istringstream in(Shell("wg show hub dump"));
  std::string line;
  std::getline(in, line);  // the device
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string key, psk, ips, keepalive;
    Shown shown;
    words >> key >> psk >> shown.endpoint >> ips >> shown.handshake >> shown.rx >> shown.tx >>
        keepalive;
    shown.line = LineOf(psk, Split(ips), keepalive);
    peers[key] = shown;
  }
  return peers;
}

std::string ExpectedLine(const Peer& peer) {
  std::multiset<std::string> ips;
  for (const Prefix& ip : peer.allowed_ips()) ips.insert(ip.ToString());
  const int keepalive = peer.persistent_keepalive().value_or(0);
  return LineOf(peer.preshared_key()->Reveal(), ips,
                keepalive == 0 ? "off" : std::to_string(keepalive));
}

std::string ExpectedEndpoint(const Peer& peer) {
  return peer.endpoint() ? peer.endpoint()->ToString() : "(none)";
}

// What the kernel has otherwise than `peers`.
std::string Compare(const Peers& peers, const std::map<std::string, Shown>& shown) {
  std::string complaint;
  if (shown.size() != peers.size()) {
    complaint = fmt::format("{} peers, not {}\n", shown.size(), peers.size());
  }
  for (const auto& [number, peer] : peers) {
    const auto found = shown.find(peer.public_key().ToString());
    if (found == shown.end()) {
      complaint += fmt::format("peer {} is missing\n", number);
    } else if (found->second.line != ExpectedLine(peer)) {
      complaint += fmt::format("peer {}: {}\n", number, found->second.line);
    } else if (number >= kLivePeers && found->second.endpoint != ExpectedEndpoint(peer)) {
      complaint += fmt::format("peer {}: {}\n", number, found->second.endpoint);
    }
  }
  return complaint;
}

// ---- all arrive, one changes ----

std::string ArriveWhole() {
  const TemporaryDirectory directory;
  Host host("owner", directory.path());
  Peers peers = AllPeers();
  const auto start = Clock::now();
  if (Status status = host.Apply(HubWith(peers)); !status) return status.error().ToString();
  const std::chrono::duration<double> taken = Clock::now() - start;
  if (const auto wrong = Compare(peers, ShownPeers()); !wrong.empty()) return wrong;
  const auto plan = host.Plan(HubWith(peers));
  if (!plan || !plan->ops.empty()) return "it is not what the node says";
  std::cout << fmt::format("{} peers applied in {:.2f} s, read back equal\n", peers.size(),
                           taken.count());
  std::cout.flush();
  return "";
}

std::string ChangeOne() {
  const TemporaryDirectory directory;
  Host host("owner", directory.path());
  Peers peers = AllPeers();
  if (Status status = host.Apply(HubWith(peers)); !status) return status.error().ToString();
  peers.at(500).PersistentKeepalive(33);
  const auto one = host.Plan(HubWith(peers));
  if (!one) return one.error().ToString();
  if (one->ops.size() != 1) return fmt::format("{} steps, not 1", one->ops.size());
  host.transport().Arm({});
  if (const auto done = host.planner().Apply(*one); !done) return done.error().ToString();
  const auto& keys = host.transport().keys_of();
  const std::vector<std::vector<PublicKey>> expected = {{PeerOf(500).public_key()}};
  if (keys != expected) return fmt::format("{} messages were sent", keys.size());
  return Compare(peers, ShownPeers());
}

TEST(ManyPeers, ArriveWhole) { EXPECT_EQ(InNewNamespace(ArriveWhole), ""); }

TEST(ManyPeers, AreLeftAloneWhenOneChanges) { EXPECT_EQ(InNewNamespace(ChangeOne), ""); }

// ---- live ones ----

// The other ends: devices f0, f1, ... in one namespace, told apart by where packets leave.
std::string PrepareFarSide() {
  const TemporaryDirectory directory;
  const std::string made = Shell(
      "ip link set lo up && ip address add 192.168.9.2/24 dev uplink && ip link set uplink up");
  if (!made.empty()) return made;
  Node node;
  for (int i = 0; i < kLivePeers; ++i) {
    node.Add(Interface(fmt::format("f{}", i))
                 .PrivateKey(KeyOf(i))
                 .Address(AddressOf(i) + "/32")
                 .Table(RouteTable::Off())
                 .AddPeer(Peer(KeyFrom("hub").Public())
                              .PresharedKey(KeyFrom(fmt::format("psk {}", i)))
                              .Endpoint("192.168.9.1:51900")
                              .AllowedIp(std::string(kHubAddress) + "/32")));
  }
  Host host("far", directory.path());
  const Status status = host.Apply(node);
  return status ? "" : status.error().ToString();
}

// Besides its peers, the hub has another address and another name server in each round.
Node HubIn(int round, const Peers& peers) {
  return Node()
      .Add(Hub(peers).Address(fmt::format("10.60.{}.1/24", round)))
      .Add(Dns("hub").Backend(DnsBackend::kFile).Server(fmt::format("10.50.0.{}", round)));
}

// What the machine has otherwise than in this round, the routes of all rounds included.
std::string CompareRest(int round) {
  std::string complaint;
  const auto expect = [&](const std::string& what, const std::string& part) {
    if (what.find(part) == std::string::npos) complaint += part + " is not in " + what + "\n";
  };
  const std::string addresses = Shell("ip -4 -br address show dev hub");
  expect(addresses, fmt::format(" 10.60.{}.1/24", round));
  if (addresses.find(fmt::format("10.60.{}.", round - 1)) != std::string::npos) {
    complaint += "the old address is there: " + addresses;
  }
  for (int each = 1; each <= round; ++each) {
    expect(Shell("ip route show dev hub"), fmt::format("10.61.{}.0/24 ", each));
  }
  expect(Shell("cat /etc/resolv.conf"), fmt::format("\nnameserver 10.50.0.{}\n", round));
  return complaint;
}

// The next peers come, one with a network behind it; some of the idle ones change, others go.
void NextRound(int round, Peers& peers) {
  for (int i = 0; i < kPerRound; ++i) {
    const int fresh = kPeers + round * kPerRound + i;
    peers[fresh] = PeerOf(fresh);
    if (i == 0) peers.at(fresh).AllowedIp(fmt::format("10.61.{}.0/24", round));  // a route
    const int changed = kLivePeers + 500 + round * kPerRound + i;
    peers.at(changed).PersistentKeepalive(200 + round).PresharedKey(KeyFrom("another"));
    peers.erase(kLivePeers + round * kPerRound + i);
  }
}

// The sessions of the live peers went on between the two readings. Within 120 s, their handshakes
// have no reason of their own to move.
std::string GoesOn(const std::map<std::string, Shown>& before,
                   const std::map<std::string, Shown>& after, bool moves) {
  for (int i = 0; i < kLivePeers; ++i) {
    const std::string key = PeerOf(i).public_key().ToString();
    if (!after.contains(key)) return fmt::format("peer {} is gone", i);
    const Shown& old = before.at(key);
    const Shown& now = after.at(key);
    const bool back = now.handshake != old.handshake || now.rx < old.rx || now.tx < old.tx;
    const bool still = now.rx == old.rx || now.tx == old.tx;
    if (old.handshake == 0 || back || (moves && still)) {
      return fmt::format("peer {}: handshake {} to {}, rx {} to {}, tx {} to {}", i, old.handshake,
                         now.handshake, old.rx, now.rx, old.tx, now.tx);
    }
  }
  return "";
}

std::string ChangeOthers(Host& host, Peers& peers, double& seconds) {
  // The old address goes; the new one, the route and the name server come.
  constexpr size_t kSteps = 3 * kPerRound + 4;
  for (int round = 1; round <= kRounds; ++round) {
    const auto before = ShownPeers();
    NextRound(round, peers);
    const auto start = Clock::now();
    const auto plan = host.Plan(HubIn(round, peers));
    if (!plan) return plan.error().ToString();
    if (plan->ops.size() != kSteps) return fmt::format("{} steps", plan->ops.size());
    if (const auto done = host.planner().Apply(*plan); !done) return done.error().ToString();
    seconds += std::chrono::duration<double>(Clock::now() - start).count();
    const auto after = ShownPeers();
    if (const auto wrong = Compare(peers, after); !wrong.empty()) return wrong;
    if (const auto wrong = CompareRest(round); !wrong.empty()) return wrong;
    if (const auto wrong = GoesOn(before, after, false); !wrong.empty()) return wrong;
  }
  return "";
}

std::string CompareCounts(const std::vector<ProbeCount>& counts, uint32_t& sent) {
  if (counts.size() != kLivePeers) return "no report from the far side";
  std::string complaint;
  for (size_t i = 0; i < counts.size(); ++i) {
    sent += counts[i].sent;
    if (counts[i].sent > 0 && counts[i].received == counts[i].sent) continue;
    complaint += fmt::format("peer {}: {} of {}\n", i, counts[i].received, counts[i].sent);
  }
  return complaint;
}

// From here on, this process has an /etc/resolv.conf of its own. "" is success.
std::string TakeResolvConf(const std::string& directory) {
  const std::string file = directory + "/resolv.conf";
  std::ofstream(file) << "nameserver 192.0.2.53\n";
  const bool done = unshare(CLONE_NEWNS) == 0 &&
                    mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                    mount(file.c_str(), "/etc/resolv.conf", nullptr, MS_BIND, nullptr) == 0;
  return done ? "" : fmt::format("resolv.conf: {}", std::strerror(errno));
}

std::string KeepLive() {
  const TemporaryDirectory directory;
  if (const auto error = TakeResolvConf(directory.path()); !error.empty()) return error;
  std::vector<FarSide::Device> devices;
  for (int i = 0; i < kLivePeers; ++i) devices.push_back({fmt::format("f{}", i), AddressOf(i)});
  FarSide far("near", "uplink", PrepareFarSide, devices, kHubAddress);
  if (!far.error().empty()) return "far side: " + far.error();
  Shell("ip address add 192.168.9.1/24 dev near && ip link set near up");
  Host host("owner", directory.path(),
            dns::HostResolver({.id = "near", .name = "", .is_own = true}, SystemProcessRunner()));
  Peers peers = AllPeers();
  if (Status status = host.Apply(HubIn(0, peers)); !status) return status.error().ToString();
  const EchoServer echo(kHubAddress);
  if (!echo.error().empty()) return echo.error();
  if (const auto error = far.Start(); !error.empty()) return error;
  const auto before = ShownPeers();
  double seconds = 0;
  const std::string complaint = ChangeOthers(host, peers, seconds);
  const auto counts = far.Stop();
  if (!complaint.empty()) return complaint;
  if (const auto wrong = GoesOn(before, ShownPeers(), true); !wrong.empty()) return wrong;
  uint32_t sent = 0;
  if (const auto lost = CompareCounts(counts, sent); !lost.empty()) return lost;
  std::cout << fmt::format(
      "{} peers, {} live: {} rounds, {:.2f} s each; {} probes sent, none lost, no handshake "
      "moved\n",
      peers.size(), kLivePeers, kRounds, seconds / kRounds, sent);
  std::cout.flush();
  return "";
}

TEST(ManyPeers, LiveOnesLoseNothingWhileOthersComeChangeAndGo) {
  EXPECT_EQ(InNewNamespace(KeepLive, 110), "");
}

}  // namespace
}  // namespace wgnet::testing
