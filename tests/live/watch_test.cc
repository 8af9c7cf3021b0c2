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
#include <functional>

#include "tests/support/kernel_state.h"
#include "tests/support/userspace_world.h"
#include "tests/support/world.h"
#include "wgnet/session.h"

namespace wgnet::testing {
namespace {

using std::chrono::milliseconds, std::chrono::seconds;
using Kind = Event::Kind;
using Clock = std::chrono::steady_clock;

constexpr auto kPatience = seconds(60);  // far more than is needed: the guest is slow

Result<Session> OpenSession(const std::string& directory) {
  return Session::Open({.owner = "owner", .state_dir = directory});
}

std::string StateNow() {
  std::string state;
  for (int attempt = 0; attempt < 400; ++attempt) {
    std::string again =
        ReadKernelState() + Shell("wg show all dump | cut -f 1-5,9 | grep -v ^other | sort");
    if (again == state && !HasTentativeAddress()) break;
    state = std::move(again);
    usleep(5000);
  }
  return state;
}

// The same, but links without their numbers.
std::string StateByName() {
  static_cast<void>(StateNow());  // it moves no more
  return Shell(
      "ip -o address | sed 's/^[0-9]*: //' | sort; ip route show table all | sort;"
      "ip -6 route show table all | sort; ip rule; ip -6 rule; nft list ruleset;"
      "ip -o -d link | sed 's/^[0-9]*: //' | sort; wg show all dump | cut -f 1-5,9 | sort");
}

// What a watcher has told, as it comes.
class Listener {
 public:
  explicit Listener(Watcher watcher) : watcher_(std::move(watcher)) {}

  // Waits for an event for which `wanted(event)` holds; null: none came.
  const Event* WaitFor(const std::function<bool(const Event&)>& wanted) {
    const auto deadline = Clock::now() + kPatience;
    while (true) {
      for (; heard_ < events_.size(); ++heard_) {
        if (wanted(events_[heard_])) return &events_[heard_++];
      }
      if (!error_.empty() || Clock::now() > deadline) return nullptr;
      Listen(milliseconds(100));
    }
  }
  const Event* WaitFor(Kind kind) {
    return WaitFor([kind](const Event& event) { return event.kind == kind; });
  }
  // Listens for so long.
  void Listen(milliseconds time) {
    const Status status = watcher_.Run(
        [this](const Event& event) {
          events_.push_back(event);
          return true;
        },
        time);
    if (!status) error_ = status.error().ToString();
  }

  const std::vector<Event>& events() const { return events_; }
  size_t Count(Kind kind) const {
    return static_cast<size_t>(std::count_if(
        events_.begin(), events_.end(), [kind](const Event& event) { return event.kind == kind; }));
  }
  std::string Said() const {
    std::string text = error_;
    for (const Event& event : events_) text += event.ToString() + "\n";
    return text.empty() ? "nothing" : text;
  }
  Watcher& watcher() { return watcher_; }

 private:
  Watcher watcher_;
  std::vector<Event> events_;
  size_t heard_ = 0;
  std::string error_;
};

// Objects of others, of every kind.
void MakeForeign() {
  MakeUplink("eth0", "192.168.5.1/24");
  const std::string said = Shell(
      "ip address add 10.55.0.1/24 dev eth0 && ip route add 10.56.0.0/16 dev eth0 proto bgp &&"
      "ip -6 route add fd56::/64 dev eth0 && ip rule add pref 77 from 10.55.0.0/24 table 56 &&"
      "ip route add default dev eth0 table 56 && nft add table inet theirs &&"
      "sysctl -qw net.ipv4.conf.eth0.rp_filter=1");
  if (!said.empty()) fmt::print(stderr, "set-up: {}\n", said);
}

Node WatchedNode() {
  Node node;
  Interface wg0("wg0");
  wg0.PrivateKey(TestKey("own")).ListenPort(51820).Mtu(1400);
  wg0.Address("10.9.0.1/24").Address("fd09::1/64");
  wg0.AddPeer(Peer(TestKey("a").Public())
                  .PresharedKey(TestKey("psk"))
                  .PersistentKeepalive(25)
                  .Endpoint("192.168.5.77:1")
                  .AllowedIp("10.20.0.0/24")
                  .AllowedIp("fd20::/64"));
  wg0.AddPeer(Peer(TestKey("b").Public()).AllowedIp("10.21.0.0/24"));
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

std::string KeyOf(const char* seed) { return TestKey(seed).Public().ToString(); }

// A watcher that looks often, and repairs when `keep` is set.
Result<Watcher> Watch(Session& session, std::optional<Node> keep, WatchOptions options = {}) {
  options.keep = std::move(keep);
  options.poll_interval = milliseconds(300);
  return session.Watch(options);
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

Node OtherNode(int number) {
  Node node;
  Interface wg0("wg0");
  wg0.PrivateKey(TestKey(fmt::format("own {}", number % 2)))
      .ListenPort(51820 + number % 3)
      .Address(fmt::format("10.9.{}.1/24", number % 2));
  for (int i = 0; i < 20; ++i) {
    wg0.AddPeer(Peer(TestKey(fmt::format("{}", i)).Public())
                    .AllowedIp(fmt::format("10.20.{}.0/24", (i + number) % 25)));
  }
  node.Add(wg0);
  if (number % 2 == 0) node.Add(NatRule::Masquerade().Source("10.9.0.0/24").OutInterface("eth*"));
  if (number % 3 == 0) node.Add(ForwardRule().Between("wg0", "eth*"));
  return node;
}

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

// ---- bursts ----

Node ManyRoutes() {
  Node node;
  Interface wg0("wg0");
  wg0.PrivateKey(TestKey("own")).ListenPort(51820).Address("10.9.0.1/24");
  Peer peer(TestKey("a").Public());
  for (int i = 0; i < 100; ++i) peer.AllowedIp(fmt::format("10.20.{}.0/24", i));
  return node.Add(wg0.AddPeer(peer));
}

std::string ExpectFewRepairs() {
  const TemporaryDirectory directory;
  MakeForeign();
  auto session = OpenSession(directory.path());
  if (!session) return session.error().ToString();
  // What comes after the third repair is told only.
  auto watcher =
      Watch(*session, ManyRoutes(), {.repair_burst = 3, .repair_interval = std::chrono::hours(1)});
  if (!watcher) return watcher.error().ToString();
  Listener listener(*std::move(watcher));
  listener.Listen(seconds(1));
  const std::string before = StateNow();
  if (const auto said = Shell("for i in $(seq 0 99); do echo route del 10.20.$i.0/24; done | "
                              "ip -batch -");
      !said.empty()) {
    return said;
  }
  if (listener.WaitFor(Kind::kMissing) == nullptr) return listener.Said();
  listener.Listen(seconds(2));
  const size_t repairs = listener.Count(Kind::kRepaired) - 1;  // but for the first apply
  if (repairs < 1 || repairs > 3) return fmt::format("{} repairs", repairs);
  const std::string difference = DifferenceOf(before, StateNow());
  if (!difference.empty()) return listener.Said() + difference;
  // Somebody who does not give up.
  for (int i = 0; i < 20; ++i) {
    Shell("ip route del 10.20.7.0/24 2>/dev/null || :");
    listener.Listen(milliseconds(200));
  }
  const size_t in_all = listener.Count(Kind::kRepaired) - 1;
  if (in_all != 3) return fmt::format("{} repairs in all\n{}", in_all, listener.Said());
  return listener.events().back().kind == Kind::kMissing ? "" : listener.Said();
}

TEST(Watch, ABurstIsRepairedAFewTimes) { EXPECT_EQ(InUserspaceWorld(ExpectFewRepairs, 300), ""); }

std::string ExpectResync() {
  const TemporaryDirectory directory;
  MakeForeign();
  auto session = OpenSession(directory.path());
  if (!session) return session.error().ToString();
  auto watcher = Watch(*session, ManyRoutes(), {.receive_buffer = 1});
  if (!watcher) return watcher.error().ToString();
  Listener listener(*std::move(watcher));
  listener.Listen(seconds(1));
  const std::string before = StateNow();
  // The last one is lost with most of the others.
  if (const auto said = Shell(
          "for i in $(seq 1 300); do echo route del 10.20.1.0/24; echo route add 10.20.1.0/24 "
          "dev wg0 proto 87 scope link; done | ip -batch - && ip route del 10.20.9.0/24");
      !said.empty()) {
    return said;
  }
  if (listener.WaitFor(Kind::kLost) == nullptr) return "not lost: " + listener.Said();
  const auto is_it = [](const Event& event) {
    return event.kind == Kind::kMissing && event.command.find("10.20.9.0/24") != std::string::npos;
  };
  if (listener.WaitFor(is_it) == nullptr) return "not found: " + listener.Said();
  if (listener.WaitFor(Kind::kRepaired) == nullptr) return "not repaired: " + listener.Said();
  const std::string difference = DifferenceOf(before, StateNow());
  return difference.empty() ? "" : listener.Said() + difference;
}

TEST(Watch, AfterLostMessagesAllIsReadAgain) { EXPECT_EQ(InUserspaceWorld(ExpectResync, 300), ""); }

// ---- repairs that cannot be ----

std::string ExpectFailureTold() {
  const TemporaryDirectory directory;
  MakeForeign();
  auto session = OpenSession(directory.path());
  if (!session) return session.error().ToString();
  auto watcher = Watch(*session, ManyRoutes(), {.repair_interval = milliseconds(500)});
  if (!watcher) return watcher.error().ToString();
  Listener listener(*std::move(watcher));
  listener.Listen(seconds(1));
  if (const auto said = Shell("ip link del wg0 && ip link add wg0 type ifb"); !said.empty()) {
    return said;
  }
  const Event* failed = listener.WaitFor(Kind::kRepairFailed);
  if (failed == nullptr) return listener.Said();
  if (!failed->error || failed->error->code != ErrorCode::kNameTaken) return listener.Said();
  // It is tried again when there is hope, and later, too.
  if (const auto said = Shell("ip link del wg0"); !said.empty()) return said;
  return listener.WaitFor(Kind::kRepaired) != nullptr ? "" : listener.Said();
}

TEST(Watch, ARepairThatFailsIsToldAndTriedAgain) {
  EXPECT_EQ(InUserspaceWorld(ExpectFailureTold, 300), "");
}

std::string ExpectSuperseded() {
  const TemporaryDirectory directory;
  MakeForeign();
  auto session = OpenSession(directory.path());
  if (!session) return session.error().ToString();
  auto watcher = Watch(*session, ManyRoutes());
  if (!watcher) return watcher.error().ToString();
  Listener listener(*std::move(watcher));
  listener.Listen(seconds(1));
  // The same node, by another session, is none.
  auto other = OpenSession(directory.path());
  if (!other) return other.error().ToString();
  if (const auto done = other->Apply(ManyRoutes()); !done) return done.error().ToString();
  listener.Listen(seconds(1));
  if (listener.Count(Kind::kSuperseded) != 0) return "too early: " + listener.Said();
  if (const auto done = other->Apply(OtherNode(1)); !done) return done.error().ToString();
  if (listener.WaitFor(Kind::kSuperseded) == nullptr) return listener.Said();
  const std::string state = StateNow();
  listener.Listen(seconds(1));
  if (const auto difference = DifferenceOf(state, StateNow()); !difference.empty()) {
    return listener.Said() + difference;
  }
  if (const auto said = Shell("ip address flush dev wg0 scope global"); !said.empty()) return said;
  if (listener.WaitFor(Kind::kMissing) == nullptr) return listener.Said();
  listener.Listen(seconds(1));
  return listener.Count(Kind::kRepaired) == 1 ? "" : listener.Said();
}

TEST(Watch, ANewerNodeOfTheOwnerStays) { EXPECT_EQ(InUserspaceWorld(ExpectSuperseded, 300), ""); }

// ---- peers ----

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

// ---- options, and the loop ----

std::string ExpectOptionsChecked() {
  const TemporaryDirectory directory;
  auto session = OpenSession(directory.path());
  if (!session) return session.error().ToString();
  const WatchOptions kBad[] = {{.debounce = milliseconds(-1)},
                               {.poll_interval = milliseconds(99)},
                               {.poll_interval = std::chrono::hours(2)},
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
