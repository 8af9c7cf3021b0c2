// SPDX-License-Identifier: MIT OR Apache-2.0
// Several owners in one namespace, in every order of up and down: what they share has the value
// that any of them needs as long as one does, what is one's own stays, and in the end all is as it
// was.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "tests/support/kernel_state.h"
#include "tests/support/sample.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

enum class Kind { kTunnel, kForwarder };

struct Player {
  std::string name;
  Kind kind;
};

constexpr std::string_view kTunnelKey = "+GLDb5QQOHQ2QKWvuFS/4FiWpnivaxzwlm0QmFJIHV8=";
constexpr std::string_view kPeerKey = "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=";

// `version` 1 has something changed in every layer but its settings.
Node NodeOf(const Player& player, int version = 0) {
  const int number = player.name.back();
  Interface link("wg" + player.name);
  link.PrivateKey(kTunnelKey).ListenPort(51000 + number);
  link.Address(fmt::format("10.{}.{}.2/24", number, version));
  link.Address(fmt::format("fd{:02x}:{}::2/64", number, version));
  Peer peer(kPeerKey);
  peer.Endpoint("192.168.5.198:51820").PersistentKeepalive(version);
  Node node;
  if (player.kind == Kind::kTunnel) {
    peer.AllowedIp("0.0.0.0/0").AllowedIp("::/0");
  } else {
    peer.AllowedIp(fmt::format("10.{}.{}.0/24", 100 + number, version));
    node.Add(NatRule::Masquerade().Source("10.128.0.0/9").OutInterface("eth*"));
    node.Add(ForwardRule().Between(link.name(), "eth*"));
  }
  return node.Add(link.AddPeer(peer));
}

// ---- what is shared ----

// The settings that owners share, by path below /proc/sys/net, and how many suppress rules stand.
using Singletons = std::map<std::string, std::string>;

const std::vector<std::string> kUplinks = {"eth0", "eth1", "wlan2"};

std::string ReadSetting(const std::string& name) {
  std::string value;
  std::ifstream("/proc/sys/net/" + name) >> value;
  return value;
}

void WriteSetting(const std::string& name, const std::string& value) {
  std::ofstream("/proc/sys/net/" + name) << value;
}

// Two uplinks with a strict reverse path filter, one without.
void MakeUplinks() {
  MakeUplink("eth0", "192.168.5.1/24");
  MakeUplink("eth1", "192.168.6.1/24");
  MakeUplink("wlan2", "192.168.7.1/24");
  WriteSetting("ipv4/conf/all/rp_filter", "0");
  for (const std::string& name : kUplinks) {
    WriteSetting("ipv4/conf/" + name + "/rp_filter", name == "wlan2" ? "2" : "1");
    WriteSetting("ipv6/conf/" + name + "/accept_ra", name == "eth1" ? "0" : "1");
  }
  WriteSetting("ipv4/conf/all/send_redirects", "1");
}

Singletons Expected(const std::vector<Player>& up) {
  const auto tunnels = std::count_if(
      up.begin(), up.end(), [](const Player& player) { return player.kind == Kind::kTunnel; });
  const bool forwards = static_cast<size_t>(tunnels) < up.size();
  const auto flag = [](bool value) { return std::string(value ? "1" : "0"); };
  Singletons expected = {{"ipv4/ip_forward", "0"},
                         {"ipv4/conf/all/src_valid_mark", "0"},
                         {"ipv4/conf/all/send_redirects", flag(up.empty())},
                         {"ipv6/conf/all/forwarding", flag(forwards)},
                         {"suppress rules v4", std::to_string(tunnels)},
                         {"suppress rules v6", std::to_string(tunnels)}};
  for (const std::string& name : kUplinks) {
    const bool eth = name != "wlan2";
    expected["ipv4/conf/" + name + "/src_valid_mark"] = flag(eth && tunnels > 0);
    expected["ipv4/conf/" + name + "/forwarding"] = flag(eth && forwards);
    expected["ipv6/conf/" + name + "/forwarding"] = flag(forwards);
    expected["ipv6/conf/" + name + "/accept_ra"] = name == "eth1" ? "0" : (forwards ? "2" : "1");
  }
  return expected;
}

std::string CountSuppressRules(const char* family) {
  std::istringstream in(Shell(std::string("ip ") + family + " rule"));
  size_t count = 0;
  for (std::string line; std::getline(in, line);) {
    count += line.find("suppress_prefixlength 0") != line.npos;
  }
  return std::to_string(count);
}

std::string CompareSingletons(const Singletons& expected) {
  std::string complaint;
  for (const auto& [name, wanted] : expected) {
    const std::string value = name == "suppress rules v4"   ? CountSuppressRules("-4")
                              : name == "suppress rules v6" ? CountSuppressRules("-6")
                                                            : ReadSetting(name);
    if (value != wanted) complaint += fmt::format("{} is {}, not {}\n", name, value, wanted);
  }
  return complaint;
}

// ---- what is one's own ----

std::set<std::string> Without(const std::set<std::string>& lines,
                              const std::set<std::string>& others) {
  std::set<std::string> rest;
  std::set_difference(lines.begin(), lines.end(), others.begin(), others.end(),
                      std::inserter(rest, rest.end()));
  return rest;
}

// ---- the stage ----

class Stage {
 public:
  explicit Stage(const std::vector<Player>& players) {
    MakeUplinks();
    for (const Player& player : players) {
      actors_.push_back({player, std::make_unique<Host>(player.name, directory_.path())});
    }
    before_ = State();
  }

  // Brings an owner up, or down; says what is not right then.
  std::string Toggle(size_t number) {
    Actor& actor = actors_[number];
    actor.up = !actor.up;
    actor.own.clear();
    return Apply(actor, lines_);
  }

  // Gives an owner that is up another node.
  std::string Change(size_t number) {
    Actor& actor = actors_[number];
    actor.version = 1 - actor.version;
    const auto others = Without(lines_, actor.own);
    actor.own.clear();
    return Apply(actor, others);
  }

  // Applies what every owner has already.
  std::string Reload() {
    for (Actor& actor : actors_) {
      if (!actor.up) continue;
      if (Status status = actor.host->Apply(NodeOf(actor.player, actor.version)); !status) {
        return status.error().ToString();
      }
    }
    return Check();
  }

  std::string Check() {
    const std::string state = State();
    lines_ = ObjectsOf(state);
    std::vector<Player> up;
    std::string complaint;
    for (const Actor& actor : actors_) {
      if (!actor.up) continue;
      up.push_back(actor.player);
      for (const std::string& line : Without(actor.own, lines_)) {
        complaint += actor.player.name + " lost " + line + "\n";
      }
      complaint += Pending(actor);
    }
    if (up.empty()) complaint += DifferenceOf(before_, state);
    return complaint + CompareSingletons(Expected(up));
  }

  bool IsUp(size_t number) const { return actors_[number].up; }
  Host& host(size_t number) { return *actors_[number].host; }
  const std::string& before() const { return before_; }
  std::string State() const {
    actors_.front().host->State();  // waits until nothing moves
    return ReadKernelState();
  }

 private:
  struct Actor {
    Player player;
    std::unique_ptr<Host> host;
    bool up = false;
    int version = 0;
    std::set<std::string> own{};  // lines of the state
  };

  // Brings an owner where it should be. What is new then, to what others have, is its own.
  std::string Apply(Actor& actor, std::set<std::string> others) {
    const Node node = actor.up ? NodeOf(actor.player, actor.version) : Node();
    if (Status status = actor.host->Apply(node); !status) return status.error().ToString();
    const std::string complaint = Check();
    if (!actor.up) return complaint;
    actor.own = Without(lines_, others);
    return complaint + (actor.own.empty() ? actor.player.name + " has nothing\n" : "");
  }

  // What an owner's node still lacks.
  static std::string Pending(const Actor& actor) {
    const auto plan = actor.host->Plan(NodeOf(actor.player, actor.version));
    if (!plan) return plan.error().ToString() + "\n";
    if (plan->ops.empty()) return "";
    return fmt::format("{} has {} steps to do\n", actor.player.name, plan->ops.size());
  }

  TemporaryDirectory directory_;
  std::vector<Actor> actors_;
  std::string before_;
  std::set<std::string> lines_;  // of the state after the last step
};

// ---- orders ----

// Each owner's number twice: up, and down.
using Order = std::vector<size_t>;

std::vector<Order> OrdersOf(size_t owners) {
  Order order;
  for (size_t i = 0; i < owners; ++i) order.insert(order.end(), 2, i);
  std::vector<Order> orders;
  do {
    orders.push_back(order);
  } while (std::next_permutation(order.begin(), order.end()));
  return orders;
}

std::string NameOf(const Order& order, const std::vector<Player>& players) {
  std::string name;
  std::set<size_t> seen;
  for (const size_t i : order) {
    name += fmt::format("{} {}, ", seen.insert(i).second ? "up" : "down", players[i].name);
  }
  return name;
}

using Between = std::function<std::string(Stage&)>;

std::string Play(const std::vector<Player>& players, const Order& order, const Between& between) {
  Stage stage(players);
  if (const std::string complaint = stage.Check(); !complaint.empty())
    return "at first: " + complaint;
  for (size_t step = 0; step < order.size(); ++step) {
    std::string complaint = stage.Toggle(order[step]);
    if (complaint.empty()) complaint = between(stage);
    if (!complaint.empty()) return fmt::format("step {}:\n{}", step + 1, complaint);
  }
  return "";
}

std::string Nothing(Stage&) { return ""; }

// Every owner that is up is given its node again, then another one.
std::string ReloadAndChange(Stage& stage) {
  std::string complaint = stage.Reload();
  for (size_t i = 0; i < 3 && complaint.empty(); ++i) {
    if (i < 2 && stage.IsUp(i)) complaint = stage.Change(i);
  }
  return complaint;
}

struct Cast {
  std::string name;
  std::vector<Player> players;
};

class TwoOwners : public ::testing::TestWithParam<Cast> {
 protected:
  static void PlayAll(const Between& between) {
    const auto& players = GetParam().players;
    const auto orders = OrdersOf(players.size());
    for (const Order& order : orders) {
      EXPECT_EQ(InNewNamespace([&] { return Play(players, order, between); }), "")
          << NameOf(order, players);
    }
    std::cout << fmt::format("{}: {} orders, all\n", GetParam().name, orders.size());
  }
};

TEST_P(TwoOwners, ShareSettingsInEveryOrder) { PlayAll(Nothing); }

TEST_P(TwoOwners, ShareSettingsThroughReloadsAndChanges) { PlayAll(ReloadAndChange); }

INSTANTIATE_TEST_SUITE_P(
    , TwoOwners,
    ::testing::Values(Cast{"Tunnels", {{"a", Kind::kTunnel}, {"b", Kind::kTunnel}}},
                      Cast{"ForwarderAndTunnel", {{"a", Kind::kForwarder}, {"b", Kind::kTunnel}}},
                      Cast{"Forwarders", {{"a", Kind::kForwarder}, {"b", Kind::kForwarder}}}),
    [](const auto& info) { return info.param.name; });

TEST(ThreeOwners, ShareSettings) {
  const std::vector<Player> players = {
      {"a", Kind::kTunnel}, {"b", Kind::kForwarder}, {"c", Kind::kTunnel}};
  const auto orders = OrdersOf(players.size());
  const size_t step = Full() ? 1 : 9;
  size_t played = 0;
  for (size_t i = 0; i < orders.size(); i += step, ++played) {
    EXPECT_EQ(InNewNamespace([&] { return Play(players, orders[i], Nothing); }), "")
        << NameOf(orders[i], players);
  }
  EXPECT_GT(played, players.size());
  std::cout << fmt::format("{} of {} orders\n", played, orders.size());
}

// ---- an admin who changes what owners share ----

// Up a, up b, the change, reload or not, down a, down b: what is then left of the change.
std::string PlayAdmin(const std::vector<Player>& players, const std::string& setting,
                      const std::string& value, bool reload, const std::string& at_the_end) {
  Stage stage(players);
  for (size_t i = 0; i < players.size(); ++i) {
    if (const auto complaint = stage.Toggle(i); !complaint.empty()) return complaint;
  }
  WriteSetting(setting, value);
  if (ReadSetting(setting) != value) return "the admin could not write";
  if (reload) {
    if (const auto complaint = stage.Reload(); !complaint.empty()) return complaint;
  }
  std::string warnings;
  for (size_t i = 0; i < players.size(); ++i) {
    const auto plan = stage.host(i).Plan(Node());
    if (!plan) return plan.error().ToString();
    for (const std::string& warning : plan->warnings) warnings += warning;
    if (const auto done = stage.host(i).planner().Apply(*plan); !done) {
      return done.error().ToString();
    }
  }
  if (ReadSetting(setting) != at_the_end) return setting + " is " + ReadSetting(setting);
  const bool stays = !reload && value == at_the_end;
  const bool was_original =
      stage.before().find("/proc/sys/net/" + setting + " = " + value + "\n") != std::string::npos;
  if (stays && !was_original && warnings.find("net/" + setting) == warnings.npos) {
    return "no warning of " + setting + ": " + warnings;
  }
  std::string rest;  // but for that setting
  std::istringstream in(DifferenceOf(stage.before(), stage.State()));
  for (std::string line; std::getline(in, line);) {
    if (line.find("/" + setting + " ") == line.npos) rest += line + "\n";
  }
  return rest;
}

struct AdminCase {
  std::string name;
  std::string setting;
  std::string value;
  std::string original;
};

class AdminChanges : public ::testing::TestWithParam<AdminCase> {};

const std::vector<Player> kBoth = {{"a", Kind::kForwarder}, {"b", Kind::kTunnel}};

// Owners take away their own value, and nobody else's.
TEST_P(AdminChanges, StayWhenTheLastOwnerGoes) {
  const auto& test = GetParam();
  EXPECT_EQ(
      InNewNamespace([&] { return PlayAdmin(kBoth, test.setting, test.value, false, test.value); }),
      "");
}

TEST_P(AdminChanges, AreOverriddenByAReloadAndTheOriginalComesBack) {
  const auto& test = GetParam();
  EXPECT_EQ(InNewNamespace(
                [&] { return PlayAdmin(kBoth, test.setting, test.value, true, test.original); }),
            "");
}

INSTANTIATE_TEST_SUITE_P(
    , AdminChanges,
    ::testing::Values(AdminCase{"SourceValidMark", "ipv4/conf/eth0/src_valid_mark", "0", "0"},
                      AdminCase{"SendRedirects", "ipv4/conf/all/send_redirects", "1", "1"},
                      AdminCase{"Forwarding", "ipv4/conf/eth0/forwarding", "0", "0"},
                      AdminCase{"AcceptRa", "ipv6/conf/eth0/accept_ra", "0", "1"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace wgnet::testing
