// SPDX-License-Identifier: MIT OR Apache-2.0
// What Session::Watch tells, and repairs, while others change things with ip(8), wg(8), nft(8) and
// sysctl(8). WireGuard is wireguard-go's on the host, and the kernel's in the guest.
#include "wgnet/watch.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "tests/support/kernel_state.h"
#include "tests/support/userspace_world.h"
#include "tests/support/watching.h"
#include "tests/support/world.h"
#include "wgnet/session.h"

namespace wgnet::testing {
namespace {

using std::chrono::milliseconds, std::chrono::seconds;
using Kind = Event::Kind;

Node WatchedNode() {
  Node node;
  Interface wg0("wg0");
  wg0.PrivateKey(TestKey("own")).ListenPort(51820).FwMark(0).Mtu(1400);
  wg0.Address("10.9.0.1/24").Address("fd09::1/64");
  wg0.AddPeer(Peer(TestKey("a").Public())
                  .PresharedKey(TestKey("psk"))
                  .PersistentKeepalive(25)
                  .Endpoint("192.168.5.77:1")
                  .AllowedIp("10.20.0.0/24")
                  .AllowedIp("fd20::/64"));
  wg0.AddPeer(Peer(TestKey("b").Public()).PresharedKey(SecretKey()).AllowedIp("10.21.0.0/24"));
  node.Add(wg0);
  node.Add(Interface("exit")
               .PrivateKey(TestKey("exit"))
               .ListenPort(51999)
               .Address("10.99.0.2/32")
               .Address("fd99::2/128")
               .AddPeer(Peer(TestKey("provider").Public())
                            .Endpoint("192.168.5.78:1")
                            .AllowedIp("0.0.0.0/0")
                            .AllowedIp("::/0")));
  node.Add(PolicyRoute::FullTunnel("exit").FwMark(0x2000, 0xff00).Table(700));
  node.Add(NatRule::Masquerade().Source("10.9.0.0/24").Source("10.11.0.0/24").OutInterface("eth*"));
  node.Add(ForwardRule().Between("wg0", "eth*"));
  return node;
}

// ---- one change at a time ----

struct Change {
  const char* name;
  std::string command;
  Kind kind;
  const char* object;
  const char* attribute = "";
  bool by_name = false;  // a link that is made anew has another number
};

std::string ExpectToldAndRepaired(const Change& change) {
  const TemporaryDirectory directory;
  MakeForeign();
  auto session = OpenSession(directory.path());
  if (!session) return session.error().ToString();
  auto watcher = Watch(*session, WatchedNode());
  if (!watcher) return watcher.error().ToString();
  Listener listener(*std::move(watcher));
  if (listener.WaitFor(Kind::kRepaired) == nullptr) return "not applied: " + listener.Said();
  listener.Listen(seconds(1));
  if (listener.events().size() != 1) return "too much at the start: " + listener.Said();
  const auto state = [&] { return change.by_name ? StateByName() : StateNow(); };
  const std::string before = state();
  if (const std::string said = Shell(change.command); !said.empty()) return "command: " + said;
  const Event* told = listener.WaitFor([&](const Event& event) {
    const bool named =
        *change.attribute == '\0' ||
        std::any_of(event.changes.begin(), event.changes.end(),
                    [&](const auto& each) { return each.attribute == change.attribute; });
    return event.kind == change.kind && event.object == change.object && named;
  });
  if (told == nullptr) return "not told: " + listener.Said();
  if (listener.WaitFor(Kind::kRepaired) == nullptr) return "not repaired: " + listener.Said();
  const std::string difference = DifferenceOf(before, state());
  if (!difference.empty()) return listener.Said() + "then:\n" + difference;
  const size_t so_far = listener.events().size();
  listener.Listen(seconds(1));
  if (listener.events().size() != so_far) return "more: " + listener.Said();
  if (listener.Count(Kind::kRepairFailed) != 0) return listener.Said();
  return "";
}

class WatchChange : public ::testing::TestWithParam<Change> {};

TEST_P(WatchChange, IsToldAndRepaired) {
  EXPECT_EQ(InUserspaceWorld([] { return ExpectToldAndRepaired(GetParam()); }, 300), "");
}

constexpr char kRule[] =
    "ip {} rule del pref $(ip {} rule | sed -n '/not from all fwmark/s/:.*//p')";

INSTANTIATE_TEST_SUITE_P(
    , WatchChange,
    ::testing::Values(
        Change{"LinkGone", "ip link del wg0", Kind::kMissing, "link", "", true},
        Change{"LinkDown", "ip link set wg0 down", Kind::kChanged, "link", "up"},
        Change{"LinkMtu", "ip link set wg0 mtu 1380", Kind::kChanged, "link", "mtu"},
        Change{"LinkAlias", "ip link set wg0 alias x", Kind::kChanged, "link", "alias"},
        Change{"LinkForwarding", "sysctl -qw net.ipv4.conf.wg0.forwarding=0", Kind::kChanged,
               "link", "forwarding"},
        Change{"Address", "ip address del 10.9.0.1/24 dev wg0", Kind::kMissing, "address"},
        Change{"AddressV6", "ip address del fd09::1/64 dev wg0", Kind::kMissing, "address"},
        Change{"Route", "ip route del 10.20.0.0/24", Kind::kMissing, "route"},
        Change{"RouteV6", "ip -6 route del fd20::/64", Kind::kMissing, "route"},
        Change{"RouteReplaced", "ip route replace 10.20.0.0/24 dev eth0", Kind::kChanged, "route",
               "dev"},
        Change{"RouteV6Replaced", "ip -6 route replace fd20::/64 dev eth0", Kind::kChanged, "route",
               "dev"},
        Change{"RouteInTable", "ip route flush table 700", Kind::kMissing, "route"},
        Change{"RouteInTableReplaced", "ip route replace default dev eth0 table 700",
               Kind::kChanged, "route", "dev"},
        Change{"Rule", fmt::format(kRule, "", ""), Kind::kMissing, "rule"},
        Change{"RuleV6", fmt::format(kRule, "-6", "-6"), Kind::kMissing, "rule"},
        Change{"NftTable", "nft delete table inet wgnet-owner", Kind::kMissing, "nft_table"},
        Change{"NftRules", "nft flush chain inet wgnet-owner postrouting", Kind::kChanged,
               "nft_chain", "rules"},
        Change{"NftElement",
               "nft flush set inet wgnet-owner $(nft list sets | sed -n 's/.*set \\(.*\\) {/\\1/p' "
               "| head -1)",
               Kind::kMissing, "nft_element"},
        Change{"Port", "wg set wg0 listen-port 4000", Kind::kChanged, "wireguard", "listen_port"},
        Change{"Mark", "wg set wg0 fwmark 7", Kind::kChanged, "wireguard", "fwmark"},
        Change{"Key", "umask 77; wg genkey >/run/key && wg set wg0 private-key /run/key",
               Kind::kChanged, "wireguard", "private_key"},
        Change{"PeerGone", "wg set wg0 peer " + KeyOf("a") + " remove", Kind::kMissing, "peer"},
        Change{"PeerIps", "wg set wg0 peer " + KeyOf("a") + " allowed-ips 10.20.0.0/25",
               Kind::kChanged, "peer", "allowed_ips"},
        Change{"PeerKey",
               "umask 77; wg genpsk >/run/key && wg set wg0 peer " + KeyOf("b") +
                   " preshared-key /run/key",
               Kind::kChanged, "peer", "preshared_key"},
        Change{"Setting", "sysctl -qw net.ipv4.conf.eth0.src_valid_mark=0", Kind::kChanged,
               "sysctl", "value"},
        Change{"Forwarding", "sysctl -qw net.ipv4.conf.eth0.forwarding=0", Kind::kChanged, "sysctl",
               "value"}),
    [](const auto& info) { return std::string(info.param.name); });

// ---- what is no change of somebody else's ----

std::string ApplyMany(const std::string& directory, int rounds) {
  auto session = OpenSession(directory);
  if (!session) return session.error().ToString();
  for (int i = 0; i < rounds; ++i) {
    const auto done = session->Apply(i % 7 == 6 ? Node() : OtherNode(i));
    if (!done) return done.error().ToString();
  }
  return "";
}

// Another process applies one node after the other, and removes all of it now and then.
std::string ExpectOwnIsQuiet(int rounds) {
  const TemporaryDirectory directory;
  MakeForeign();
  auto session = OpenSession(directory.path());
  if (!session) return session.error().ToString();
  auto watcher = Watch(*session, std::nullopt, {.debounce = milliseconds(0)});
  if (!watcher) return watcher.error().ToString();
  Listener listener(*std::move(watcher));
  const pid_t child = fork();
  if (child == 0) {
    const std::string said = ApplyMany(directory.path(), rounds);
    fmt::print(stderr, "{}", said);
    _exit(said.empty() ? 0 : 1);
  }
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) listener.Listen(milliseconds(50));
  if (status != 0) return "the other process failed";
  listener.Listen(seconds(1));
  if (!listener.events().empty()) return listener.Said();
  // It was awake all the time.
  if (const auto said = Shell("ip address flush dev wg0 scope global"); !said.empty()) {
    return said;
  }
  return listener.WaitFor(Kind::kMissing) != nullptr ? "" : "then nothing is told";
}

TEST(Watch, TransactionsOfTheOwnerAreNoEvents) {
  const int rounds = InGuest() ? 20 : 41;  // the last is no removal
  EXPECT_EQ(InUserspaceWorld([&] { return ExpectOwnIsQuiet(rounds); }, 300), "");
}

// Objects of others come and go; so do ours, for a moment.
std::string ExpectOthersAreQuiet() {
  const TemporaryDirectory directory;
  MakeForeign();
  auto session = OpenSession(directory.path());
  if (!session) return session.error().ToString();
  if (const auto done = session->Apply(WatchedNode()); !done) return done.error().ToString();
  auto watcher = Watch(*session, std::nullopt, {.debounce = seconds(3)});
  if (!watcher) return watcher.error().ToString();
  Listener listener(*std::move(watcher));
  listener.Listen(seconds(5));
  const std::string said = Shell(
      "ip link add other type ifb && ip link set other up && ip link set eth0 mtu 1300 &&"
      "ip address add 10.57.0.1/24 dev other && ip route add 10.58.0.0/16 dev other &&"
      "ip route replace 10.58.0.0/16 dev eth0 && ip route add 10.20.0.0/25 dev eth0 &&"
      "ip rule add pref 78 table 56 && ip rule del pref 78 && nft add chain inet theirs c &&"
      "ip route add 10.20.0.0/24 dev eth0 metric 5 && ip route del 10.20.0.0/24 metric 5 &&"
      "ip route del 10.20.0.0/24 && ip route add 10.20.0.0/24 dev wg0 proto 87 scope link &&"
      "ip link set wg0 mtu 1390 && ip link set wg0 mtu 1400 && ip link del other");
  if (!said.empty()) return said;
  listener.Listen(seconds(6));
  return listener.events().empty() ? "" : listener.Said();
}

TEST(Watch, OthersObjectsAndWhatPassesAreNoEvents) {
  EXPECT_EQ(InUserspaceWorld(ExpectOthersAreQuiet, 300), "");
}

// ---- without a node, it only tells ----

std::string ExpectToldOnly() {
  const TemporaryDirectory directory;
  MakeForeign();
  auto session = OpenSession(directory.path());
  if (!session) return session.error().ToString();
  if (const auto done = session->Apply(WatchedNode()); !done) return done.error().ToString();
  if (const auto said = Shell("ip route del 10.21.0.0/24"); !said.empty()) return said;
  auto watcher = Watch(*session, std::nullopt);
  if (!watcher) return watcher.error().ToString();
  Listener listener(*std::move(watcher));
  // What is wrong at the start is told, too.
  if (listener.WaitFor(Kind::kMissing) == nullptr) return "at the start: " + listener.Said();
  if (const auto said = Shell("ip route replace 10.20.0.0/24 dev eth0"); !said.empty()) return said;
  if (listener.WaitFor(Kind::kChanged) == nullptr) return "replaced: " + listener.Said();
  if (const auto said = Shell("ip route del 10.20.0.0/24"); !said.empty()) return said;
  if (listener.WaitFor(Kind::kMissing) == nullptr) return "removed: " + listener.Said();
  if (const auto said = Shell("ip route add 10.20.0.0/24 dev wg0 proto 87 scope link");
      !said.empty()) {
    return said;
  }
  if (listener.WaitFor(Kind::kBack) == nullptr) return "back: " + listener.Said();
  // Its own repair brings the rest back, and is none of somebody else's.
  if (const auto done = session->Apply(WatchedNode()); !done) return done.error().ToString();
  listener.Listen(seconds(1));
  return listener.events().size() == 4 ? "" : listener.Said();
}

TEST(Watch, WithoutANodeItOnlyTells) { EXPECT_EQ(InUserspaceWorld(ExpectToldOnly, 300), ""); }

// ---- options, and the loop ----

std::string ExpectOptionsChecked() {
  const TemporaryDirectory directory;
  auto session = OpenSession(directory.path());
  if (!session) return session.error().ToString();
  const WatchOptions kBad[] = {{.debounce = milliseconds(-1)},
                               {.poll_interval = milliseconds(99)},
                               {.poll_interval = std::chrono::hours(2)},
                               {.poll_interval = milliseconds(18'446'744'074'710)},
                               {.peer_timeout = seconds(0)},
                               {.repair_burst = 0},
                               {.repair_burst = 1001},
                               {.repair_interval = milliseconds(0)},
                               {.receive_buffer = 0},
                               {.keep = Node().Add(Interface("a/b"))}};
  for (const WatchOptions& options : kBad) {
    const auto watcher = session->Watch(options);
    if (watcher || watcher.error().code != ErrorCode::kInvalidArgument) {
      return fmt::format("option {} is taken", &options - kBad);
    }
  }
  return "";
}

TEST(Watch, OptionsHaveRanges) { EXPECT_EQ(InUserspaceWorld(ExpectOptionsChecked), ""); }

// The descriptor is quiet while nothing is to be done, and the session may go first.
std::string ExpectQuietDescriptor() {
  const TemporaryDirectory directory;
  MakeForeign();
  std::optional<Watcher> watcher;
  {
    auto session = OpenSession(directory.path());
    if (!session) return session.error().ToString();
    if (const auto done = session->Apply(ManyRoutes()); !done) return done.error().ToString();
    auto opened = session->Watch({.poll_interval = std::chrono::minutes(10)});
    if (!opened) return opened.error().ToString();
    watcher = *std::move(opened);
  }
  const auto is_ready = [&](int wait) {
    pollfd ready{watcher->fd(), POLLIN, 0};
    return poll(&ready, 1, wait) == 1;
  };
  if (!is_ready(0)) return "the first look is not due";
  if (const auto events = watcher->Read(); !events || !events->empty()) return "at the start";
  if (is_ready(1000)) return "it is ready without a reason";
  // Routes of others do not even wake it.
  const std::string said = Shell(
      "for i in $(seq 1 200); do echo route add 10.60.$i.0/24 dev eth0; echo route replace "
      "10.60.$i.0/24 dev eth0 proto bgp; echo route del 10.60.$i.0/24; done | ip -batch -");
  if (!said.empty()) return said;
  if (is_ready(500)) return "it is woken by others' routes";
  if (const auto gone = Shell("ip route del 10.20.5.0/24"); !gone.empty()) return gone;
  if (!is_ready(5000)) return "it is not woken by ours";
  Listener listener(*std::move(watcher));
  return listener.WaitFor(Kind::kMissing) != nullptr ? "" : listener.Said();
}

TEST(Watch, TheDescriptorIsReadyOnlyForOurs) {
  EXPECT_EQ(InUserspaceWorld(ExpectQuietDescriptor, 300), "");
}

}  // namespace
}  // namespace wgnet::testing
