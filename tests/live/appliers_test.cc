// SPDX-License-Identifier: MIT OR Apache-2.0
// Two who apply at the same time, of one owner or of two, in processes or in threads: each comes
// to an end as if the other had been before him, or after. WireGuard is wireguard-go where the
// kernel has none.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <iostream>
#include <set>
#include <thread>

#include "src/base/write_all.h"
#include "tests/support/kernel_state.h"
#include "tests/support/sample.h"
#include "tests/support/scenario.h"
#include "tests/support/userspace_world.h"
#include "tests/support/world.h"
#include "wgnet/session.h"

namespace wgnet::testing {
namespace {

constexpr char kStateDir[] = "/run/wgnet";
constexpr char kBusy[] = "busy";

size_t Rounds() { return Full() ? 500 : InGuest() ? 1 : 20; }

// What one of them wants.
struct Wish {
  std::string owner;
  Node node;
};
using Wishes = std::array<Wish, 2>;

std::string Apply(const Wish& wish, std::chrono::milliseconds patience) {
  auto session = Session::Open(
      {.owner = wish.owner, .state_dir = kStateDir, .lock_timeout = patience, .guardian = ""});
  if (!session) return "open: " + session.error().ToString();
  const auto done = session->Apply(wish.node);
  if (done) return "";
  return done.error().code == ErrorCode::kBusy ? kBusy : done.error().ToString();
}

// ---- at the same time ----

using Results = std::array<std::string, 2>;

Results InProcesses(const Wishes& wishes, std::chrono::milliseconds patience) {
  int start[2];
  std::array<int, 2> results;
  std::array<pid_t, 2> children;
  if (pipe2(start, O_CLOEXEC) != 0) return {"pipe", ""};
  for (size_t i = 0; i < 2; ++i) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return {"pipe", ""};
    children[i] = fork();
    if (children[i] == 0) {
      char byte;
      close(start[1]);
      const ssize_t none = read(start[0], &byte, 1);  // until the other end is closed
      _exit(none == 0 && WriteAll(ends[1], Apply(wishes[i], patience)) == 0 ? 0 : 1);
    }
    close(ends[1]);
    results[i] = ends[0];
  }
  close(start[0]);
  close(start[1]);
  Results texts;
  for (size_t i = 0; i < 2; ++i) {
    char chunk[4096];
    for (ssize_t size; (size = read(results[i], chunk, sizeof chunk)) > 0;) {
      texts[i].append(chunk, static_cast<size_t>(size));
    }
    close(results[i]);
    int status = 0;
    waitpid(children[i], &status, 0);
    if (status != 0) texts[i] += fmt::format("[wait status {}]", status);
  }
  return texts;
}

Results InThreads(const Wishes& wishes, std::chrono::milliseconds patience) {
  Results texts;
  std::thread other([&] { texts[1] = Apply(wishes[1], patience); });
  texts[0] = Apply(wishes[0], patience);
  other.join();
  return texts;
}

// ---- the state ----

// With names in place of links' numbers, and in an order that does not tell who came first.
std::string StateNow() {
  return Shell(
      "{ ip -o address | sed 's/^[0-9]*: //; s/ valid_lft.*//'; ip -o link | sed 's/^[0-9]*: //;"
      " s/ link.*//'; ip route show table all; ip -6 route show table all; ip rule; ip -6 rule;"
      " wg show all dump | cut -f 1-5,9; } | grep -v fe80 | sort; nft -s list ruleset;"
      " cd /proc/sys/net; grep . ipv4/conf/*/forwarding ipv4/conf/*/src_valid_mark"
      " ipv6/conf/all/forwarding ipv4/conf/*/send_redirects ipv6/conf/*/accept_ra");
}

std::string QuietState() {
  while (HasTentativeAddress()) usleep(1000);
  return StateNow();
}

std::string ApplyOrSay(const Wish& wish) { return Apply(wish, std::chrono::seconds(30)); }

// How much is left to do.
std::string StepsLeft(const Wish& wish, size_t& steps) {
  auto session = Session::Open({.owner = wish.owner, .state_dir = kStateDir, .guardian = ""});
  if (!session) return session.error().ToString();
  const auto plan = session->Plan(wish.node);
  if (!plan) return plan.error().ToString();
  steps = plan->size();
  return "";
}

// ---- what they want ----

Node NodeOf(int number, bool tunnel) {
  const std::string name = fmt::format("wg{}", number);
  Peer peer(TestKey(fmt::format("peer {}", number)).Public());
  peer.Endpoint(fmt::format("192.168.5.{}:51820", 100 + number));
  peer.AllowedIp(fmt::format("10.{}.0.0/16", 100 + number));
  if (tunnel) peer.AllowedIp("0.0.0.0/0");
  Node node;
  node.Add(Interface(name)
               .PrivateKey(TestKey(name))
               .ListenPort(51820 + number)
               .Mtu(1400)
               .Address(fmt::format("10.{}.0.1/24", number + 1))
               .Address(fmt::format("fd0{}::1/64", number))
               .AddPeer(peer));
  node.Add(NatRule::Masquerade().Source("10.128.0.0/9").OutInterface("eth*"));
  return node.Add(ForwardRule().Between(name, "eth*"));
}

struct Case {
  std::string name;
  Wishes wishes;
  bool bounded = false;  // whoever cannot begin at once is told that it is busy
};

std::vector<Case> Cases() {
  Node both = NodeOf(1, true);
  both.Add(NodeOf(2, false).interfaces().front());
  return {
      {"SameOwner", {Wish{"a", NodeOf(1, false)}, Wish{"a", both}}},
      {"SameOwnerUpAndDown", {Wish{"a", NodeOf(1, true)}, Wish{"a", {}}}},
      {"SameOwnerWithoutPatience", {Wish{"a", NodeOf(1, false)}, Wish{"a", both}}, true},
      {"TwoOwners", {Wish{"a", NodeOf(1, true)}, Wish{"b", NodeOf(2, true)}}},
  };
}

// One round after the other: both at once, and then one after the other away.
class Contest {
 public:
  explicit Contest(const Case& test) : test_(test), before_(QuietState()) {}

  // What it is like when they come one after the other.
  std::string Prepare() {
    for (const auto& [first, last] : {std::pair(0, 1), std::pair(1, 0)}) {
      for (const int i : {first, last}) {
        const auto error = ApplyOrSay(test_.wishes[static_cast<size_t>(i)]);
        if (!error.empty()) return error;
      }
      serial_.insert(QuietState());
      if (const auto wrong = Clear(); !wrong.empty()) return wrong;
    }
    return "";
  }

  std::string Round(bool threads) {
    const auto patience = test_.bounded ? std::chrono::milliseconds(0) : std::chrono::seconds(30);
    const Results results =
        threads ? InThreads(test_.wishes, patience) : InProcesses(test_.wishes, patience);
    const bool busy = results[0] == kBusy || results[1] == kBusy;
    busy_ += busy;
    for (const std::string& result : results) {
      if (!result.empty() && !(test_.bounded && result == kBusy)) return result;
    }
    if (results[0] == kBusy && results[1] == kBusy) return "neither could begin";
    const std::string state = QuietState();
    if (!busy && !serial_.contains(state))
      return "not as after either order:\n" + Differences(state);
    if (const auto wrong = CheckPlans(results); !wrong.empty()) return wrong;
    return Clear();
  }

  size_t busy() const { return busy_; }

 private:
  // Somebody was last, and has nothing more to do; of two owners, both.
  std::string CheckPlans(const Results& results) const {
    size_t finished = 0;
    for (size_t i = 0; i < 2; ++i) {
      size_t steps = 0;
      if (const auto error = StepsLeft(test_.wishes[i], steps); !error.empty()) return error;
      if (steps == 0 && results[i] != kBusy) ++finished;
    }
    const bool two = test_.wishes[0].owner != test_.wishes[1].owner;
    return finished == (two ? 2 : 1) ? "" : fmt::format("{} have nothing to do", finished);
  }

  std::string Differences(const std::string& state) const {
    std::string text;
    for (const std::string& serial : serial_) text += DifferenceOf(serial, state) + "or\n";
    return text;
  }

  std::string Clear() {
    for (const Wish& wish : test_.wishes) {
      if (const auto error = ApplyOrSay({wish.owner, {}}); !error.empty()) return error;
    }
    const std::string left = DifferenceOf(before_, QuietState());
    return left.empty() ? "" : "left:\n" + left;
  }

  const Case& test_;
  const std::string before_;
  std::set<std::string> serial_;
  size_t busy_ = 0;
};

std::string Compete(const Case& test, bool threads) {
  MakeUplink("eth0", "192.168.5.1/24");
  std::string settings = Shell("echo 1 >/proc/sys/net/ipv4/conf/eth0/rp_filter");
  if (!settings.empty()) return settings;
  Contest contest(test);
  if (const auto wrong = contest.Prepare(); !wrong.empty()) return "one by one: " + wrong;
  for (size_t round = 0; round < Rounds(); ++round) {
    const std::string wrong = contest.Round(threads);
    if (!wrong.empty()) return fmt::format("round {}: {}", round, wrong);
  }
  fmt::print("{} in {}: {} rounds, {} found the other at work, {}\n", test.name,
             threads ? "threads" : "processes", Rounds(), contest.busy(), Reached());
  fflush(nullptr);
  return "";
}

class TwoAppliers : public ::testing::TestWithParam<Case> {};

TEST_P(TwoAppliers, InProcessesEndAsInOneOrder) {
  EXPECT_EQ(InUserspaceWorld([] { return Compete(GetParam(), false); }, 3000), "");
}

TEST_P(TwoAppliers, InThreadsEndAsInOneOrder) {
  EXPECT_EQ(InUserspaceWorld([] { return Compete(GetParam(), true); }, 3000), "");
}

INSTANTIATE_TEST_SUITE_P(, TwoAppliers, ::testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace wgnet::testing
