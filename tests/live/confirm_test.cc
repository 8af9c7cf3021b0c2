// SPDX-License-Identifier: MIT OR Apache-2.0
// Changes that have to be confirmed: what is confirmed is as if it had been applied at once, and
// what is not is as if it had never been.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <thread>
#include <utility>

#include "src/base/try.h"
#include "tests/support/kernel_state.h"
#include "tests/support/scenario.h"

namespace wgnet::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

const ConfirmOptions kMinutes{.within = std::chrono::minutes(5)};

Result<plan::Planner::Done> ApplyWith(const ConfirmOptions& options, const Node& node, Host& host) {
  WGNET_ASSIGN_OR_RETURN(const auto hosts, plan::ResolveHosts(node, {}));
  return host.planner().Apply(node, hosts, {}, &options);
}

// ---- every change ----

std::string ConfirmChange(Host& host, const Node& after) {
  const auto done = ApplyWith(kMinutes, after, host);
  if (!done) return done.error().ToString();
  if (!done->pending || !HasFile(host, ".pending")) return "nothing waits";
  if (const auto confirmed = host.planner().Confirm(""); !confirmed)
    return "confirming: " + confirmed.error().ToString();
  if (HasFile(host, ".pending") || HasFile(host, ".journal")) return "a file is left";
  const auto plan = host.Plan(after);
  if (!plan) return plan.error().ToString();
  if (!plan->ops.empty()) return fmt::format("{} ops are left to do", plan->ops.size());
  const std::string confirmed = host.State();
  const auto files = Files(host.state_dir());
  if (const auto again = host.Apply(after); !again) return again.error().ToString();
  return DifferenceOf(confirmed, host.State());
}

std::string TakeChangeBack(Host& host, const Node& after) {
  const std::string before = host.State();
  const auto files = Files(host.state_dir());
  if (const auto done = ApplyWith(kMinutes, after, host); !done) return done.error().ToString();
  const auto report = host.planner().TakeBack("");
  if (!report) return "taking back: " + report.error().ToString();
  if (!report->complete()) return report->leftovers.front().command + " is left";
  if (Files(host.state_dir()) != files) return "the files are not as before";
  return DifferenceOf(before, host.State());
}

class Confirm : public ::testing::TestWithParam<Scenario> {};

TEST_P(Confirm, MakesAChangeAsIfItHadBeenAppliedAtOnce) {
  EXPECT_EQ(InScenario(GetParam(), ConfirmChange), "");
}

TEST_P(Confirm, TakesAChangeBackAsIfItHadNeverBeen) {
  EXPECT_EQ(InScenario(GetParam(), TakeChangeBack), "");
}

INSTANTIATE_TEST_SUITE_P(, Confirm, ::testing::ValuesIn(Scenarios()),
                         ::testing::PrintToStringParamName());

// ---- what waits ----

Node TwoPeers() { return KeyNode("own", "first"); }

Node OnePeer() {
  Node node;
  node.Add(
      Interface("wg0")
          .PrivateKey(TestKey("own"))
          .ListenPort(51820)
          .Address("10.5.0.1/24")
          .AddPeer(
              Peer(TestKey("third").Public()).AllowedIp("10.5.0.3/32").AllowedIp("10.5.0.2/32")));
  return node;
}

bool HasPeer(Host& host, std::string_view seed) {
  const PublicKey key = TestKey(seed).Public();
  const auto devices = host.planner().ReadDevices();
  if (!devices) return false;
  const auto& objects = devices->objects();
  return std::any_of(objects.begin(), objects.end(), [&](const kernel::Object& object) {
    const auto* peer = std::get_if<kernel::WgPeer>(&object);
    return peer != nullptr && peer->public_key == key;
  });
}

// Runs `body` with a host that has two peers.
template <class Body>
std::string WithTwoPeers(const Body& body) {
  return InNewNamespace([&]() -> std::string {
    MakeUplink("eth0", "192.168.5.10/24");
    const TemporaryDirectory state;
    Host host("host", state.path());
    if (const auto made = host.Apply(TwoPeers()); !made) return made.error().ToString();
    return body(host);
  });
}

std::string KeepPeerUntilConfirmed(Host& host) {
  if (const auto done = ApplyWith(kMinutes, OnePeer(), host); !done) return done.error().ToString();
  if (!HasPeer(host, "first")) return "the peer did not wait";
  if (const auto done = host.planner().Confirm(""); !done) return done.error().ToString();
  return HasPeer(host, "first") ? "the peer stayed" : "";
}

TEST(ConfirmPeer, GoesOnceItIsConfirmed) { EXPECT_EQ(WithTwoPeers(KeepPeerUntilConfirmed), ""); }

std::string RevokePeer(Host& host) {
  ConfirmOptions options = kMinutes;
  options.revoke.push_back(TestKey("first").Public());
  if (const auto done = ApplyWith(options, OnePeer(), host); !done) return done.error().ToString();
  if (HasPeer(host, "first")) return "the peer waited";
  const auto report = host.planner().TakeBack("");
  if (!report) return report.error().ToString();
  return HasPeer(host, "first") && report->lossy.size() == 1 ? "" : "it did not come back";
}

TEST(ConfirmPeer, GoesAtOnceIfItIsRevoked) { EXPECT_EQ(WithTwoPeers(RevokePeer), ""); }

bool HasRoute() { return !Shell("ip route show 10.88.0.0/16").empty(); }
bool HasLink() { return Shell("ip -o link").find(" wg0:") != std::string::npos; }

// Somebody's address keeps the link from losing its last one; his route is a step of the plan.
std::string KeepLinkUntilConfirmed(Host& host) {
  Shell("ip address add 10.99.0.1/24 dev wg0");
  Shell("ip route add 10.88.0.0/16 dev wg0");
  const std::string before = host.State();
  if (const auto done = ApplyWith(kMinutes, Node(), host); !done) return done.error().ToString();
  const std::string addresses = Shell("ip -o address show dev wg0");
  if (!HasLink()) return "the link went";
  if (addresses.find("10.99.0.1") == addresses.npos) return "somebody's address went";
  if (addresses.find("10.5.0.1") != addresses.npos) return "the address stayed";
  if (const auto back = host.planner().TakeBack(""); !back) return back.error().ToString();
  if (!HasRoute()) return "somebody's route did not come back";
  const std::string difference = DifferenceOf(before, host.State());
  if (!difference.empty()) return difference;
  if (const auto done = ApplyWith(kMinutes, Node(), host); !done) return done.error().ToString();
  if (const auto done = host.planner().Confirm(""); !done) return done.error().ToString();
  return HasLink() ? "the link stayed" : "";
}

TEST(ConfirmLink, GoesOnceItIsConfirmed) { EXPECT_EQ(WithTwoPeers(KeepLinkUntilConfirmed), ""); }

// ---- meanwhile ----

std::string ErrorOf(const Result<plan::Planner::Done>& done) {
  return done ? "done" : done.error().ToString();
}

std::string RefuseOthers(Host& host) {
  if (const auto done = ApplyWith(kMinutes, OnePeer(), host); !done) return done.error().ToString();
  Host other("other", host.state_dir());
  const Node nat = Node().Add(NatRule::Masquerade().Source("10.1.0.0/16"));
  for (Host* each : {&host, &other}) {
    const auto refused = each->planner().Apply(nat, {}, {});
    if (refused || refused.error().code != ErrorCode::kBusy) return ErrorOf(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("a change of the owner \"host\" waits"));
  }
  const auto recovered = other.planner().Recover();
  if (!recovered || !recovered->cut_off.empty()) return "recovery touched it";
  EXPECT_THAT(recovered->warnings, ::testing::ElementsAre(HasSubstr("waits to be confirmed")));
  if (const auto done = host.planner().Confirm(""); !done) return done.error().ToString();
  const auto taken = other.planner().Apply(nat, {}, {});
  return taken ? "" : ErrorOf(taken);
}

TEST(ConfirmMeanwhile, NobodyElseMakesAChange) { EXPECT_EQ(WithTwoPeers(RefuseOthers), ""); }

std::string AskForToken(Host& host) {
  ConfirmOptions options = kMinutes;
  options.persist = true;
  const auto done = ApplyWith(options, OnePeer(), host);
  if (!done) return done.error().ToString();
  const auto wrong = host.planner().Confirm("wrong");
  if (wrong || wrong.error().where != "token") return ErrorOf(wrong);
  if (const auto extended = host.planner().Extend(std::chrono::hours(1), done->pending->token);
      !extended) {
    return extended.error().ToString();
  }
  const auto pending = host.planner().Pending();
  if (!pending || !*pending || (*pending)->left < std::chrono::minutes(59)) return "no more time";
  if (!(*pending)->token.empty()) return "the token is told";
  return ErrorOf(host.planner().Confirm(done->pending->token)) == "done" ? "" : "not confirmed";
}

TEST(ConfirmMeanwhile, WhoeverHasTheTokenDecides) { EXPECT_EQ(WithTwoPeers(AskForToken), ""); }

std::string ChangeMeanwhile(Host& host) {
  Node wanted = TwoPeers();
  wanted.Add(NatRule::Masquerade().Source("10.5.0.0/24"));
  wanted.Add(PolicyRoute::ForPrefix("10.77.0.0/16", "wg0").Table(700));
  const std::string before = host.State();
  if (const auto done = ApplyWith(kMinutes, wanted, host); !done) return done.error().ToString();
  Shell("ip route replace 10.77.0.0/16 via 192.168.5.1 table 700");
  const auto report = host.planner().TakeBack("");
  if (!report) return report.error().ToString();
  if (report->leftovers.size() != 1) return fmt::format("{} left", report->leftovers.size());
  EXPECT_THAT(report->leftovers[0].reason, HasSubstr("somebody else"));
  Shell("ip route del 10.77.0.0/16 table 700");
  return DifferenceOf(before, host.State());
}

TEST(ConfirmMeanwhile, WhatSomebodyElseChangesStaysAndIsNamed) {
  EXPECT_EQ(WithTwoPeers(ChangeMeanwhile), "");
}

// A folder stands where the record goes, from the next message on.
std::string BlockRecord(Host& host) {
  const std::string record = host.state_dir() + "/test/host.record";
  host.transport().OnStep([record, done = false]() mutable {
    if (std::exchange(done, true)) return;
    std::filesystem::remove(record);
    std::filesystem::create_directory(record);
  });
  return record;
}

std::string TakeBackWithoutRecord(Host& host) {
  const std::string before = host.State();
  const auto files = Files(host.state_dir());
  if (const auto done = ApplyWith(kMinutes, OnePeer(), host); !done) return done.error().ToString();
  const std::string record = BlockRecord(host);
  const auto failed = host.planner().TakeBack("");
  host.transport().OnStep({});
  if (failed) return "it went unnoticed";
  EXPECT_EQ(failed.error().code, ErrorCode::kState);
  EXPECT_THAT(failed.error().message, HasSubstr("cannot put the record back"));
  if (!HasFile(host, ".pending")) return "what it would be put back from is gone";
  std::filesystem::remove(record);
  if (const auto ended = host.planner().RecoverCutOff(); !ended) return ended.error().ToString();
  if (Files(host.state_dir()) != files) return "the files are not as before";
  return DifferenceOf(before, host.State());
}

TEST(ConfirmMeanwhile, ARecordThatCannotBePutBackIsTriedAgain) {
  EXPECT_EQ(WithTwoPeers(TakeBackWithoutRecord), "");
}

// What stands in the way goes a moment after the guardian has met it.
std::string GuardWithoutRecord(Host& host) {
  const std::string before = host.State();
  const auto files = Files(host.state_dir());
  if (const auto done = ApplyWith({.within = milliseconds(100)}, OnePeer(), host); !done) {
    return done.error().ToString();
  }
  const std::string record = BlockRecord(host);
  const std::jthread mender([&] {
    std::this_thread::sleep_for(milliseconds(500));
    std::filesystem::remove(record);
  });
  const auto report = host.planner().Guard({});
  if (!report) return report.error().ToString();
  if (!report->rollback || !report->rollback->complete()) return "it was not taken back";
  if (Files(host.state_dir()) != files) return "the files are not as before";
  return DifferenceOf(before, host.State());
}

TEST(ConfirmMeanwhile, AGuardianDoesNotGiveUpAtOnce) {
  EXPECT_EQ(WithTwoPeers(GuardWithoutRecord), "");
}

// Whoever confirmed it was killed before the rest was done.
std::string GuardConfirmed(Host& host) {
  if (const auto done = ApplyWith({.within = milliseconds(100)}, OnePeer(), host); !done) {
    return done.error().ToString();
  }
  const auto state = plan::StateDir::Open(host.state_dir(), "test");
  auto pending = state->LoadPending();
  if (!pending || pending->size() != 1) return "nothing waits";
  plan::PendingMark mark = pending->front().pending;
  mark.decision = plan::Decision::kConfirmed;
  if (const auto marked = state->MarkPending("host", mark); !marked) return Text(marked);
  const auto report = host.planner().Guard({});
  if (!report) return report.error().ToString();
  if (report->rollback) return "it was taken back";
  if (HasFile(host, ".pending")) return "it is not done";
  return HasPeer(host, "first") ? "the peer stayed" : "";
}

TEST(ConfirmMeanwhile, AGuardianBringsWhatWasConfirmedToItsEnd) {
  EXPECT_EQ(WithTwoPeers(GuardConfirmed), "");
}

// ---- the end of its time ----

// The other host takes back what needs no WireGuard: a fake device is its own host's.
std::string RunOut(Host& host) {
  const std::string before = host.State();
  const Node more = TwoPeers().Add(NatRule::Masquerade().Source("10.5.0.0/24"));
  if (const auto done = ApplyWith({.within = milliseconds(100)}, more, host); !done) {
    return done.error().ToString();
  }
  if (host.State() == before) return "nothing was done";
  std::this_thread::sleep_for(milliseconds(150));
  Host next("other", host.state_dir());
  const auto report = next.planner().RecoverCutOff();
  if (!report) return report.error().ToString();
  if (report->cut_off.size() != 1 || !report->cut_off.front().unconfirmed) {
    return "it was not taken back";
  }
  const auto late = host.planner().Confirm("");
  if (late || late.error().code != ErrorCode::kNotFound) return "late: " + ErrorOf(late);
  return DifferenceOf(before, host.State());
}

std::string ConfirmTooLate(Host& host) {
  const std::string before = host.State();
  if (const auto done = ApplyWith({.within = milliseconds(100)}, OnePeer(), host); !done) {
    return done.error().ToString();
  }
  std::this_thread::sleep_for(milliseconds(150));
  const auto late = host.planner().Confirm("");
  if (late) return "confirmed";
  EXPECT_THAT(late.error().message, HasSubstr("the time to confirm the change is over"));
  return DifferenceOf(before, host.State());
}

TEST(ConfirmMeanwhile, ConfirmingTooLateTakesItBack) {
  EXPECT_EQ(WithTwoPeers(ConfirmTooLate), "");
}

TEST(ConfirmMeanwhile, AtTheEndOfItsTimeWhoeverComesTakesItBack) {
  EXPECT_EQ(WithTwoPeers(RunOut), "");
}

// ---- what cannot wait ----

TEST(ConfirmOptions, AreCheckedBeforeAnythingIsDone) {
  EXPECT_EQ(WithTwoPeers([](Host& host) -> std::string {
              const std::string before = host.State();
              for (const milliseconds within : {milliseconds(99), milliseconds(604800001)}) {
                const auto refused = ApplyWith({.within = within}, OnePeer(), host);
                if (refused || refused.error().where != "ConfirmOptions.within")
                  return ErrorOf(refused);
              }
              const Hooks hooks{.pre_down = {"true"}};
              const auto refused = host.planner().Apply(Node(), {}, hooks, &kMinutes);
              if (refused || refused.error().code != ErrorCode::kInvalidArgument)
                return ErrorOf(refused);
              return DifferenceOf(before, host.State());
            }),
            "");
}

TEST(ConfirmOptions, NothingToDoNeedsNoConfirmation) {
  EXPECT_EQ(WithTwoPeers([](Host& host) -> std::string {
              const auto done = ApplyWith(kMinutes, TwoPeers(), host);
              if (!done) return ErrorOf(done);
              return done->pending || HasFile(host, ".pending") ? "it waits" : "";
            }),
            "");
}

}  // namespace
}  // namespace wgnet::testing
