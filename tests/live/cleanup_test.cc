// SPDX-License-Identifier: MIT OR Apache-2.0
// What is left over without an owner is found by its marks, and nothing else is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "src/base/try.h"
#include "tests/support/kernel_state.h"
#include "tests/support/scenario.h"

namespace wgnet::testing {
namespace {

using ::testing::HasSubstr;

// Settings have no marks.
std::string ObjectsLeft(const std::string& before, const std::string& after) {
  std::string left;
  const auto objects = ObjectsOf(before);
  for (const std::string& line : ObjectsOf(after)) {
    if (!objects.contains(line)) left += line + "\n";
  }
  return left;
}

void LoseRecord(const Host& host, const std::string& owner) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(host.state_dir())) {
    if (entry.path().filename() == owner + ".record") std::filesystem::remove(entry.path());
  }
}

std::string DirectoryOf(const Host& host) {
  for (const auto& entry : std::filesystem::directory_iterator(host.state_dir())) {
    return entry.path();
  }
  return "";
}

Status CleanUp(Host& host, size_t& steps) {
  WGNET_ASSIGN_OR_RETURN(const auto plan, host.planner().PlanCleanup());
  steps = plan.ops.size();
  const auto done = host.planner().Apply(plan);
  return done ? Status() : Status(done.error());
}

template <class Body>
std::string WithHost(const Body& body) {
  return InNewNamespace([&]() -> std::string {
    MakeUplink("eth0", "192.168.5.10/24");
    Shell("ip route add default via 192.168.5.1");
    const TemporaryDirectory state;
    Host host("host", state.path());
    return body(host);
  });
}

std::string RemoveAllOfALostRecord(Host& host) {
  Shell("ip rule add from 10.1.0.0/16 table 99 priority 99; nft add table inet theirs");
  const std::string before = host.State();
  if (const auto made = host.Apply(WithoutDns(LargeNode())); !made) return made.error().ToString();
  size_t steps = 0;
  if (const auto none = CleanUp(host, steps); !none || steps != 0) return "it is on record";
  LoseRecord(host, "host");
  if (const auto done = CleanUp(host, steps); !done) return done.error().ToString();
  if (steps < 20) return "too few steps";
  return ObjectsLeft(before, host.State());
}

TEST(Cleanup, RemovesAllThatIsOnNoRecord) { EXPECT_EQ(WithHost(RemoveAllOfALostRecord), ""); }

Node NodeOf(std::string_view name, const std::string& prefix) {
  Node node;
  node.Add(Interface(std::string(name))
               .PrivateKey(TestKey(name))
               .Address(prefix + ".0.1/24")
               .AddPeer(Peer(TestKey("peer of " + std::string(name)).Public())
                            .AllowedIp(prefix + ".0.2/32")));
  node.Add(PolicyRoute::ForPrefix(prefix + ".9.0/24", std::string(name)).From(prefix + ".0.0/24"));
  node.Add(NatRule::Masquerade().Source(prefix + ".0.0/24"));
  return node;
}

std::string KeepWhatOthersHave(Host& host) {
  Host other("other", host.state_dir());
  if (const auto made = other.Apply(NodeOf("wg1", "10.6")); !made) return made.error().ToString();
  const std::string before = ReadKernelState();
  if (const auto made = host.Apply(NodeOf("wg0", "10.5")); !made) return made.error().ToString();
  LoseRecord(host, "host");
  size_t steps = 0;
  if (const auto done = CleanUp(host, steps); !done) return done.error().ToString();
  if (steps == 0) return "nothing was left over";
  return DifferenceOf(before, ReadKernelState());
}

TEST(Cleanup, KeepsWhatIsOnAnotherOwnersRecord) { EXPECT_EQ(WithHost(KeepWhatOthersHave), ""); }

std::string KeepWhatHasNoMark(Host& host) {
  Shell(
      "ip rule add from 10.1.0.0/16 table 99 priority 99; nft add table inet theirs; "
      "ip route add 10.3.0.0/16 dev eth0; ip address add 192.168.9.1/24 dev eth0");
  const std::string before = host.State();
  size_t steps = 1;
  if (const auto done = CleanUp(host, steps); !done) return done.error().ToString();
  if (steps != 0) return "something was removed";
  return DifferenceOf(before, host.State());
}

TEST(Cleanup, KeepsWhatHasNoMark) { EXPECT_EQ(WithHost(KeepWhatHasNoMark), ""); }

// ---- links that something else has taken away ----

// What is in the way of clear packets stays.
std::string KeepKillSwitch(Host& host) {
  const std::string before = host.State();
  const Node node = WithoutDns(LargeNode());
  if (const auto made = host.Apply(node); !made) return made.error().ToString();
  const std::string up = host.State();
  const std::string dropping = Shell("nft list table inet wgnet-host");
  EXPECT_THAT(dropping, HasSubstr("policy drop"));
  for (const Interface& interface : node.interfaces()) {
    if (const auto said = Shell("ip link del " + interface.name()); !said.empty()) return said;
  }
  const auto report = host.planner().Recover();
  if (!report) return report.error().ToString();
  if (report->owners.size() != 1 || report->owners[0].steps < 4) return "nothing was recovered";
  if (Shell("nft list table inet wgnet-host") != dropping) return "the kill switch is gone";
  if (Shell("ip rule; ip -6 rule").find("suppress") != std::string::npos) return "a rule is left";
  const auto again = host.planner().Recover();
  if (!again || !again->owners.empty()) return "it is recovered twice";
  size_t steps = 0;
  if (const auto none = CleanUp(host, steps); !none || steps != 0) return "it is on no record";
  if (const auto made = host.Apply(node); !made) return made.error().ToString();
  if (std::string lost = LostFrom(up, host.State()); !lost.empty()) return lost;
  for (const Interface& interface : node.interfaces()) Shell("ip link del " + interface.name());
  if (!host.planner().Recover()) return "it is recovered once only";
  if (const auto gone = host.Apply({}); !gone) return gone.error().ToString();
  return ObjectsLeft(before, host.State());
}

TEST(LostLinks, LeaveTheKillSwitch) { EXPECT_EQ(WithHost(KeepKillSwitch), ""); }

// ---- journals that tell nothing ----

std::string RecoverWithoutJournal(Host& host) {
  const std::string before = host.State();
  if (const auto made = host.Apply(WithoutDns(LargeNode())); !made) return made.error().ToString();
  LoseRecord(host, "host");
  std::ofstream(DirectoryOf(host) + "/host.journal") << "wgnetjnl, and then nonsense";
  const auto report = host.planner().Recover();
  if (!report) return report.error().ToString();
  if (report->cut_off.size() != 1 || report->cut_off[0].owner != "host") return "not told";
  const RollbackReport& rollback = report->cut_off[0].rollback;
  if (rollback.undone < 20 || rollback.leftovers.size() != 1) return "told wrongly";
  EXPECT_THAT(rollback.leftovers[0].reason, HasSubstr("its journal is damaged"));
  const auto again = host.planner().Recover();
  if (!again || !again->cut_off.empty()) return "it is recovered twice";
  return ObjectsLeft(before, host.State());
}

TEST(DamagedJournal, FallsBackToMarks) { EXPECT_EQ(WithHost(RecoverWithoutJournal), ""); }

std::string ForgetWhatWaited(Host& host) {
  if (const auto made = host.Apply(NodeOf("wg0", "10.5")); !made) return made.error().ToString();
  std::ofstream(DirectoryOf(host) + "/host.pending") << "nonsense";
  const std::string before = host.State();
  const auto report = host.planner().Recover();
  if (!report) return report.error().ToString();
  if (report->cut_off.size() != 1 || !report->cut_off[0].unconfirmed) return "not told";
  EXPECT_THAT(report->cut_off[0].ToString(), HasSubstr("its file is damaged, so it stays"));
  if (const auto more = host.Apply(NodeOf("wg0", "10.5")); !more) return more.error().ToString();
  return DifferenceOf(before, host.State());
}

TEST(DamagedJournal, OfAChangeThatWaitedLetsItStay) { EXPECT_EQ(WithHost(ForgetWhatWaited), ""); }

}  // namespace
}  // namespace wgnet::testing
