// SPDX-License-Identifier: MIT OR Apache-2.0
// Repairs by Session::Watch: a burst is a few of them, lost messages mean that all is read again,
// and what cannot be repaired is told.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/fake_names.h"
#include "tests/support/kernel_state.h"
#include "tests/support/userspace_world.h"
#include "tests/support/watching.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

using std::chrono::milliseconds, std::chrono::seconds;
using Kind = Event::Kind;

using Body = std::string(Listener& listener, const std::string& directory);
using SessionBody =
    std::function<std::string(Listener& listener, Session& session, const std::string& directory)>;

// What runs `body` while a watcher of the session keeps the node.
std::function<std::string()> KeepingNode(const Node& node, const WatchOptions& options,
                                         const SessionBody& body) {
  return [node, options, body]() -> std::string {
    const TemporaryDirectory directory;
    MakeForeign();
    auto session = OpenSession(directory.path());
    if (!session) return session.error().ToString();
    auto watcher = Watch(*session, node, options);
    if (!watcher) return watcher.error().ToString();
    Listener listener(*std::move(watcher));
    listener.Listen(seconds(1));
    return body(listener, *session, directory.path());
  };
}

// The same while it keeps ManyRoutes.
std::function<std::string()> Keeping(const WatchOptions& options, Body& body) {
  return KeepingNode(ManyRoutes(), options,
                     [&body](Listener& listener, Session&, const std::string& directory) {
                       return body(listener, directory);
                     });
}

// ---- bursts ----

// What comes after the third repair is told only.
std::string ExpectFewRepairs(Listener& listener, const std::string&) {
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
  const auto remove = [&] {
    Shell("ip route del 10.20.7.0/24 2>/dev/null || :");
    listener.Listen(milliseconds(200));
  };
  for (int i = 0; i < 300 && listener.Count(Kind::kRepaired) < 4; ++i) remove();
  for (int i = 0; i < 300 && listener.events().back().kind != Kind::kMissing; ++i) remove();
  for (int i = 0; i < 5; ++i) remove();
  const size_t in_all = listener.Count(Kind::kRepaired) - 1;
  if (in_all != 3) return fmt::format("{} repairs in all\n{}", in_all, listener.Said());
  return listener.events().back().kind == Kind::kMissing ? "" : listener.Said();
}

TEST(Watch, ABurstIsRepairedAFewTimes) {
  EXPECT_EQ(InUserspaceWorld(Keeping({.repair_burst = 3, .repair_interval = std::chrono::hours(1)},
                                     ExpectFewRepairs),
                             300),
            "");
}

std::string ExpectResync(Listener& listener, const std::string&) {
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

TEST(Watch, AfterLostMessagesAllIsReadAgain) {
  EXPECT_EQ(InUserspaceWorld(Keeping({.receive_buffer = 1}, ExpectResync), 300), "");
}

// ---- repairs that cannot be ----

std::string ExpectFailureTold(Listener& listener, const std::string&) {
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
  EXPECT_EQ(
      InUserspaceWorld(Keeping({.repair_interval = milliseconds(500)}, ExpectFailureTold), 300),
      "");
}

std::string ExpectSuperseded(Listener& listener, const std::string& directory) {
  // The same node, by another session, is none.
  auto other = OpenSession(directory);
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

TEST(Watch, ANewerNodeOfTheOwnerStays) {
  EXPECT_EQ(InUserspaceWorld(Keeping({}, ExpectSuperseded), 300), "");
}

// The same node is no newer one, though its link is made again; with another key it is.
std::string ExpectTheSameNodeOnly(Listener& listener, const std::string& directory) {
  auto other = OpenSession(directory);
  if (!other) return other.error().ToString();
  if (const auto said = Shell("ip link del wg0"); !said.empty()) return said;
  if (const auto done = other->Apply(ManyRoutes()); !done) return done.error().ToString();
  listener.Listen(seconds(1));
  if (listener.Count(Kind::kSuperseded) != 0) return "too early: " + listener.Said();
  if (const auto done = other->Apply(OtherNode(1)); !done) return done.error().ToString();
  if (listener.WaitFor(Kind::kSuperseded) == nullptr) return listener.Said();
  if (const auto done = other->Apply(ManyRoutes()); !done) return done.error().ToString();
  listener.Listen(seconds(1));
  if (const auto said = Shell("ip route del 10.20.7.0/24"); !said.empty()) return said;
  if (listener.WaitFor(Kind::kMissing) == nullptr) return listener.Said();
  if (listener.WaitFor(Kind::kRepaired) == nullptr) return listener.Said();
  Interface wg0 = ManyRoutes().interfaces().front();
  const Node with_another_key = Node().Add(wg0.PrivateKey(TestKey("another")));
  if (const auto done = other->Apply(with_another_key); !done) return done.error().ToString();
  return listener.WaitFor(Kind::kSuperseded) != nullptr ? "" : listener.Said();
}

TEST(Watch, TheSameNodeAgainIsNoNewerOne) {
  EXPECT_EQ(InUserspaceWorld(Keeping({}, ExpectTheSameNodeOnly), 300), "");
}

// Nor is none, where none is kept.
std::string ExpectNothingKept() {
  const TemporaryDirectory directory;
  MakeForeign();
  auto session = OpenSession(directory.path());
  if (!session) return session.error().ToString();
  if (const auto done = session->Apply(ManyRoutes()); !done) return done.error().ToString();
  auto watcher = Watch(*session, Node());
  if (!watcher) return watcher.error().ToString();
  Listener listener(*std::move(watcher));
  listener.Listen(seconds(1));
  if (listener.Count(Kind::kSuperseded) != 0) return "too early: " + listener.Said();
  if (const auto done = session->Apply(ManyRoutes()); !done) return done.error().ToString();
  return listener.WaitFor(Kind::kSuperseded) != nullptr ? "" : listener.Said();
}

TEST(Watch, OfNothingIsSupersededByANode) {
  EXPECT_EQ(InUserspaceWorld(ExpectNothingKept, 300), "");
}

// The watcher's own session applies another node, and what it had is not brought back.
std::string ExpectSupersededByItsSession(Listener& listener, Session& session, const std::string&) {
  if (const auto done = session.Apply(OtherNode(1)); !done) return done.error().ToString();
  if (listener.WaitFor(Kind::kSuperseded) == nullptr) return listener.Said();
  if (const auto said = Shell("ip address flush dev wg0 scope global"); !said.empty()) return said;
  if (listener.WaitFor(Kind::kMissing) == nullptr) return listener.Said();
  listener.Listen(seconds(1));
  return listener.Count(Kind::kRepaired) == 1 ? "" : listener.Said();
}

TEST(Watch, ANewerNodeOfItsOwnSessionStays) {
  EXPECT_EQ(InUserspaceWorld(KeepingNode(ManyRoutes(), {}, ExpectSupersededByItsSession), 300), "");
}

// ---- what has only a part of the node on record, or another address of a peer ----

Node NamedPeer() {
  return Node().Add(
      Interface("wg0")
          .PrivateKey(TestKey("own"))
          .Address("10.9.0.1/24")
          .AddPeer(
              Peer(TestKey("a").Public()).Endpoint("a.example:51820").AllowedIp("10.20.7.0/24")));
}

std::string ExpectNoNewerNode() {
  const TemporaryDirectory directory;
  MakeForeign();
  const auto names = std::make_shared<FakeResolver>();
  names->answers["a.example"] = {Found({"192.168.5.8"})};
  const SessionOptions options{
      .owner = "owner", .state_dir = directory.path(), .resolver = names, .guardian = ""};
  auto session = Session::Open(options);
  if (!session) return session.error().ToString();
  auto watcher = Watch(*session, NamedPeer());
  if (!watcher) return watcher.error().ToString();
  Listener listener(*std::move(watcher));
  listener.Listen(seconds(1));
  names->answers["a.example"] = {Found({"192.168.5.9"})};
  auto other = Session::Open(options);
  if (!other) return other.error().ToString();
  const auto resolved = other->Apply(Reresolve::Of(NamedPeer()));
  if (!resolved) return resolved.error().ToString();
  if (Shell("wg show wg0 endpoints | cut -f 2") != "192.168.5.9:51820\n") return "not resolved";
  listener.Listen(seconds(1));
  if (listener.Count(Kind::kSuperseded) != 0) return listener.Said();
  if (const auto said = Shell("ip route del 10.20.7.0/24"); !said.empty()) return said;
  if (listener.WaitFor(Kind::kMissing) == nullptr) return listener.Said();
  return listener.WaitFor(Kind::kRepaired) != nullptr ? "" : listener.Said();
}

TEST(Watch, AnotherAddressOfAPeerIsNoNewerNode) {
  EXPECT_EQ(InUserspaceWorld(ExpectNoNewerNode, 300), "");
}

// One of two links goes while a repair waits its turn, and recovery takes it off the record.
std::string ExpectRepairAfterRecovery(Listener& listener, Session&, const std::string& directory) {
  const std::string before = Shell("ip route");
  if (const auto said = Shell("ip route del 10.20.7.0/24"); !said.empty()) return said;
  if (listener.WaitFor(Kind::kMissing) == nullptr) return listener.Said();
  listener.Listen(milliseconds(500));
  if (const auto said = Shell("ip link del wg0"); !said.empty()) return said;
  if (listener.WaitFor(Kind::kMissing) == nullptr) return listener.Said();
  auto other = OpenSession(directory, "other");
  if (!other) return other.error().ToString();
  if (const auto report = other->Recover(); !report) return report.error().ToString();
  const auto is_back = [&](const Event& event) {
    return event.kind == Kind::kRepaired && Shell("ip route") == before;
  };
  return listener.WaitFor(is_back) != nullptr ? "" : listener.Said();
}

TEST(Watch, WhatRecoveryTookOffTheRecordIsRepaired) {
  const Node node = ManyRoutes().Add(Interface("wg1").PrivateKey(TestKey("other")));
  const WatchOptions options{.repair_burst = 1, .repair_interval = seconds(5)};
  EXPECT_EQ(InUserspaceWorld(KeepingNode(node, options, ExpectRepairAfterRecovery), 300), "");
}

// ---- beside a change that has to be confirmed ----

const ConfirmOptions kAMinute{.within = std::chrono::minutes(1), .persist = true};

// A repair would be another change meanwhile.
std::string ExpectPatience(Listener& listener, const std::string& directory) {
  const std::string before = StateNow();
  auto other = OpenSession(directory, "other");
  if (!other) return other.error().ToString();
  const Node rule = Node().Add(NatRule::Masquerade().Source("10.5.0.0/24"));
  const auto done = other->Apply(rule, kAMinute);
  if (!done) return done.error().ToString();
  if (const auto said = Shell("ip route del 10.20.7.0/24"); !said.empty()) return said;
  const Event* failed = listener.WaitFor(Kind::kRepairFailed);
  if (failed == nullptr || failed->error->code != ErrorCode::kBusy) return listener.Said();
  if (const auto back = other->Rollback(done->pending->token); !back) {
    return back.error().ToString();
  }
  if (listener.WaitFor(Kind::kRepaired) == nullptr) return listener.Said();
  return DifferenceOf(before, StateNow());
}

TEST(Watch, ARepairWaitsForAChangeThatIsNotConfirmed) {
  EXPECT_EQ(InUserspaceWorld(Keeping({.repair_interval = milliseconds(500)}, ExpectPatience), 300),
            "");
}

// Another session applies the node, and takes it back.
std::string ReplaceForAWhile(const Node& node, Session& other, Listener& listener) {
  const auto done = other.Apply(node, kAMinute);
  if (!done) return done.error().ToString();
  if (listener.WaitFor(Kind::kSuperseded) == nullptr) return listener.Said();
  if (const auto back = other.Rollback(done->pending->token); !back) {
    return back.error().ToString();
  }
  listener.Listen(seconds(1));
  return "";
}

std::string ExpectRepairsAgain(Listener& listener, const std::string& directory) {
  const std::string before = Shell("ip route");
  auto other = OpenSession(directory);
  if (!other) return other.error().ToString();
  if (auto wrong = ReplaceForAWhile(OtherNode(1), *other, listener); !wrong.empty()) return wrong;
  if (const auto said = Shell("ip route del 10.20.7.0/24"); !said.empty()) return said;
  if (listener.WaitFor(Kind::kRepaired) == nullptr) return listener.Said();
  return DifferenceOf(before, Shell("ip route"));
}

TEST(Watch, ANewerNodeThatIsTakenBackIsNoneAnyMore) {
  EXPECT_EQ(InUserspaceWorld(Keeping({}, ExpectRepairsAgain), 300), "");
}

// The watcher found all as it wanted it, and another session takes everything away for a while.
std::string ExpectRepairsAfterRemoval() {
  const TemporaryDirectory directory;
  MakeForeign();
  const Node rule = Node().Add(NatRule::Masquerade().Source("10.5.0.0/24"));
  auto other = OpenSession(directory.path());
  if (!other) return other.error().ToString();
  if (const auto done = other->Apply(rule); !done) return done.error().ToString();
  auto session = OpenSession(directory.path());
  if (!session) return session.error().ToString();
  auto watcher = Watch(*session, rule);
  if (!watcher) return watcher.error().ToString();
  Listener listener(*std::move(watcher));
  listener.Listen(seconds(1));
  if (auto wrong = ReplaceForAWhile(Node(), *other, listener); !wrong.empty()) return wrong;
  if (const auto said = Shell("nft delete table inet wgnet-owner"); !said.empty()) return said;
  return listener.WaitFor(Kind::kRepaired) != nullptr ? "" : listener.Said();
}

TEST(Watch, ANodeThatIsTakenAwayForAWhileIsKeptAgain) {
  EXPECT_EQ(InUserspaceWorld(ExpectRepairsAfterRemoval, 300), "");
}

}  // namespace
}  // namespace wgnet::testing
