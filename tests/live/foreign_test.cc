// SPDX-License-Identifier: MIT OR Apache-2.0
// What others have in the kernel: it stays as it is, to the byte, whatever becomes of a node; what
// goes with a link or a table of ours is announced, and comes back if that fails; and where
// somebody else's object has the place of one of ours, nothing is done.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <set>

#include "src/plan/explain.h"
#include "tests/support/foreign_objects.h"
#include "tests/support/kernel_state.h"
#include "tests/support/sample.h"
#include "tests/support/scenario.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

// Of kinds that wgnet itself does not make.
constexpr char kOtherKindsInTable[] = R"(nft -f - <<E
table inet wgnet-owner {
  set ports { type inet_service; elements = { 22, 80 } }
  map marks { type ipv4_addr : mark; flags interval; elements = { 10.66.0.0/16 : 0x1 } }
  chain theirs {
    tcp dport @ports counter drop comment "theirs"
    meta mark set ip saddr map @marks
    ip saddr vmap { 10.1.0.0/16 : accept, 10.2.0.0/16 : drop }
  }
  chain forward {
    tcp dport { 22, 80 } jump theirs
  }
}
E
)";

// A namespace with what others have, and one owner in it.
class World {
 public:
  World() {
    MakeUplink("eth0", "192.168.5.1/24");
    Add(kForeign);
    host_ = std::make_unique<Host>("owner", directory_.path());
  }

  void Add(const std::string& commands) { complaint_ += Shell(commands); }
  void AddOnLink() {
    Add(kForeignOnLink);
    complaint_ += AddForeignPeer(*host_, "hub");
  }
  /// What went wrong in making it.
  const std::string& complaint() const { return complaint_; }
  Host& host() { return *host_; }
  const std::string& directory() const { return directory_.path(); }
  std::string State() const { return WithoutFirstEnds(host_->State()); }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<Host> host_;
  std::string complaint_;
};

// ---- above ours ----

// Such as a VRF, which only the guest's kernel has.
std::string StaysInItsMaster() {
  World world;
  Host& host = world.host();
  if (const Status up = host.Apply(LargeNode()); !up) return Text(up);
  world.Add(std::string("ip link add theirs type ") + (InGuest() ? "vrf table 77" : "bridge"));
  world.Add("ip link set hub master theirs");
  if (!world.complaint().empty()) return world.complaint();
  const std::string before = world.State();
  if (host.Apply({}, {.post_down = {"false"}})) return "the hook's failure went unnoticed";
  const std::string link = Shell("ip -o link show hub");
  if (link.find("master theirs") == link.npos) return link;
  return InGuest() ? DifferenceOf(before, world.State()) : "";  // a bridge counts anew
}

TEST(Foreign, ALinkComesBackInItsMaster) { EXPECT_EQ(InNewNamespace(StaysInItsMaster), ""); }

// ---- beside ours ----

// A node comes, becomes another, and goes.
std::string StaysThroughout() {
  World world;
  const std::string before = world.State();
  if (!world.complaint().empty()) return world.complaint();
  for (const Node& node : {LargeNode(), LargeNode(), ChangedNode(), ClientNode()}) {
    if (const auto error = Text(world.host().Apply(node)); !error.empty()) return error;
    if (const auto lost = LostFrom(before, world.State()); !lost.empty()) return lost;
  }
  if (const auto error = Text(world.host().Apply({})); !error.empty()) return error;
  return DifferenceOf(before, world.State());
}

TEST(Foreign, StaysWhateverANodeBecomes) { EXPECT_EQ(InNewNamespace(StaysThroughout), ""); }

// ---- on our links ----

struct Step {
  std::string name;
  Node before;
  Node after;
  bool on_link;        // whether somebody has something on our links, too
  std::string more{};  // commands
};

std::vector<Step> Steps() {
  return {{"Apply", {}, LargeNode(), false},
          {"Change", LargeNode(), ChangedNode(), true},
          {"Delete", LargeNode(), {}, true},
          {"ALinkGoes", LargeNode(), WithoutHub(), true},
          {"DeleteWithRulesInOurChains", LargeNode(), {}, true, kForeignInTable}};
}

std::string Prepare(const Step& step, World& world) {
  if (const auto error = Text(world.host().Apply(step.before)); !error.empty()) return error;
  if (step.on_link) world.AddOnLink();
  if (!step.more.empty()) world.Add(step.more);
  return world.complaint();
}

// Everything is done in the kernel, and then the record cannot be written: a folder has its name.
void BlockRecord(World& world) {
  world.host().transport().OnStep([&world] {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(world.directory())) {
      if (entry.path().filename() == "lock") {
        std::filesystem::path record = entry.path().parent_path() / "owner.record";
        if (std::filesystem::is_directory(record)) return;
        std::filesystem::remove(record);
        std::filesystem::create_directory(record);
        return;
      }
    }
  });
}

// Fails one message, or the record for message 0; then all is as before.
std::string FailAt(const Step& step, size_t message) {
  World world;
  if (const auto complaint = Prepare(step, world); !complaint.empty()) return complaint;
  const std::string before = world.State();
  if (message == 0) BlockRecord(world);
  world.host().transport().Arm({message, EPERM, std::nullopt});
  const Status status = world.host().ApplyOnce(step.after);
  const bool fired = message == 0 || world.host().transport().fired();
  if (status || !fired) return "the fault was not reached";
  if (!status.error().rollback || !status.error().rollback->complete()) {
    return "not rolled back: " + status.error().ToString();
  }
  const std::string difference = DifferenceOf(before, world.State());
  return difference.empty() ? "" : status.error().ToString() + "\nleft:\n" + difference;
}

std::string CountMessages(const Step& step) {
  World world;
  if (const auto complaint = Prepare(step, world); !complaint.empty()) return complaint;
  world.host().transport().Arm({});
  if (const auto error = Text(world.host().ApplyOnce(step.after)); !error.empty()) return error;
  return std::to_string(world.host().transport().messages());
}

class ForeignAfterAFailure : public ::testing::TestWithParam<Step> {};

TEST_P(ForeignAfterAFailure, IsAsBefore) {
  const std::string count = InNewNamespace([] { return CountMessages(GetParam()); });
  const size_t messages = std::strtoul(count.c_str(), nullptr, 10);
  ASSERT_GT(messages, 20u) << count;
  EXPECT_EQ(InNewNamespace([] { return FailAt(GetParam(), 0); }), "") << "the record";
  const size_t sample = InGuest() ? 4 : 10;
  const size_t step = Full() ? 1 : messages / sample;
  size_t cases = 0;
  for (size_t i = 0; i < messages; i += step, ++cases) {  // from the last message down
    EXPECT_EQ(InNewNamespace([&] { return FailAt(GetParam(), messages - i); }), "")
        << "message " << messages - i << " of " << messages;
  }
  std::cout << fmt::format("{}: {} of {} messages, and the record, {}\n", GetParam().name, cases,
                           messages, Reached());
}

INSTANTIATE_TEST_SUITE_P(, ForeignAfterAFailure, ::testing::ValuesIn(Steps()),
                         [](const auto& info) { return info.param.name; });

std::string StaysOnOurLinks() {
  World world;
  if (const auto error = Text(world.host().Apply(LargeNode())); !error.empty()) return error;
  world.AddOnLink();
  if (!world.complaint().empty()) return world.complaint();
  const std::string with = world.State();
  world.host().transport().Arm({});
  if (const auto error = Text(world.host().Apply(LargeNode())); !error.empty()) return error;
  if (world.host().transport().messages() != 0) return "the second apply sent something";
  if (const auto error = Text(world.host().Apply(ChangedNode())); !error.empty()) return error;
  if (const auto error = Text(world.host().Apply(LargeNode())); !error.empty()) return error;
  return LostFrom(with, world.State());
}

TEST(Foreign, StaysOnOurLinksAsLongAsTheyStay) { EXPECT_EQ(InNewNamespace(StaysOnOurLinks), ""); }

// So many are foreign, and are named by these words.
std::string IsAnnounced(const Node& after, size_t count, const std::vector<std::string>& words) {
  World world;
  const std::string before = world.State();
  if (const auto error = Text(world.host().Apply(LargeNode())); !error.empty()) return error;
  world.AddOnLink();
  if (!world.complaint().empty()) return world.complaint();
  const auto plan = world.host().Plan(after);
  if (!plan) return plan.error().ToString();
  size_t foreign = 0;
  for (const plan::Op& op : plan->ops) {
    const bool said = plan::Explain(op).find("somebody else's") != std::string::npos;
    if (said != op.foreign) return "Explain says otherwise: " + plan::Explain(op);
    foreign += op.foreign;
  }
  std::string text = plan::Explain(*plan);
  if (foreign != count) return fmt::format("{} of {}:\n{}", foreign, count, text);
  for (const std::string& word : words) {
    if (text.find(word) == text.npos) return word + " is not named:\n" + text;
  }
  if (const auto done = world.host().planner().Apply(*plan); !done) {
    return done.error().ToString();
  }
  return after.empty() ? DifferenceOf(before, world.State()) : LostFrom(before, world.State());
}

const std::vector<std::string> kOnHub = {"10.20.7.7/24",  "172.30.0.1",    "fd77::1/64",
                                         "172.20.0.0/16", "172.22.0.0/16", "fd78::/64",
                                         kForeignPeer};

TEST(Foreign, OnOurLinksIsAnnouncedBeforeItGoes) {
  auto words = kOnHub;
  words.insert(words.end(), {"172.21.0.0/16", "fd79::/64"});
  EXPECT_EQ(InNewNamespace([&] { return IsAnnounced({}, kForeignOnLinkCount, words); }), "");
}

TEST(Foreign, OnALinkThatGoesIsAnnouncedBeforeItGoes) {
  EXPECT_EQ(InNewNamespace([] { return IsAnnounced(WithoutHub(), kOnHub.size(), kOnHub); }), "");
}

// Chains, sets and rules in a table of ours, too.
std::string GoesWithOurTable() {
  World world;
  const std::string before = world.State();
  if (const auto error = Text(world.host().Apply(LargeNode())); !error.empty()) return error;
  world.Add(kOtherKindsInTable);
  if (!world.complaint().empty()) return world.complaint();
  const auto plan = world.host().Plan({});
  if (!plan) return plan.error().ToString();
  std::set<std::string> foreign;
  for (const plan::Op& op : plan->ops) {
    if (op.foreign) foreign.insert(plan::Explain(op).substr(0, plan::Explain(op).find("  #")));
  }
  for (const char* name : {"theirs", "ports", "marks"}) {
    const bool named = std::any_of(foreign.begin(), foreign.end(), [&](const std::string& text) {
      return text.find(name) != text.npos;
    });
    if (!named) return std::string(name) + " is not announced:\n" + plan::Explain(*plan);
  }
  if (const auto done = world.host().planner().Apply(*plan); !done) {
    return done.error().ToString();
  }
  return DifferenceOf(before, world.State());
}

TEST(Foreign, InOurTablesIsAnnouncedBeforeItGoes) {
  EXPECT_EQ(InNewNamespace(GoesWithOurTable), "");
}

// ---- in our place ----

struct Conflict {
  std::string name;
  std::string commands;
  Node node;
  ErrorCode code;
  std::vector<std::string> named;  // in the error
  Node before{};
};

Node RouteNode() {
  Node node;
  node.Add(Interface("wg0")
               .PrivateKey("+GLDb5QQOHQ2QKWvuFS/4FiWpnivaxzwlm0QmFJIHV8=")
               .Address("10.9.0.1/24")
               .Address("fd09::1/64")
               .AddPeer(Peer("t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=")
                            .AllowedIp("10.10.0.0/16")
                            .AllowedIp("fd10::/64")));
  return node;
}

Node TunnelNode() {
  Node node = ClientNode();
  return node.Add(PolicyRoute::FullTunnel("wg0").FwMark(0x500).Table(600).Priority(900));
}

Node OneMoreAddress() {
  Node node;
  Interface link = RouteNode().interfaces().front();
  return node.Add(link.Address("10.9.77.1/24").Address("fd77::1/64"));
}

std::vector<Conflict> Conflicts() {
  constexpr auto kConflict = ErrorCode::kConflict;
  return {
      {"Route",
       "ip route add 10.10.0.0/16 via 192.168.5.9",
       RouteNode(),
       kConflict,
       {"route", "10.10.0.0/16", "192.168.5.9"}},
      {"RouteV6",
       "ip -6 route add fd10::/64 dev eth0",
       RouteNode(),
       kConflict,
       {"route", "fd10::/64", "eth0"}},
      {"RouteInOurTable",
       "ip route add default dev eth0 table 600",
       TunnelNode(),
       kConflict,
       {"route", "0.0.0.0/0", "eth0", "600"}},
      {"Rule",
       "ip rule add priority 900 not fwmark 0x500 lookup 600 protocol 87",
       TunnelNode(),
       kConflict,
       {"rule", "900", "0x500"}},
      {"RulePriority",
       "ip rule add priority 900 from 10.1.2.0/24 lookup 77",
       TunnelNode(),
       kConflict,
       {"rule", "900", "10.1.2.0/24"}},
      {"SuppressRulePriority",
       "ip rule add priority 899 from 10.1.2.0/24 lookup 77",
       TunnelNode(),
       kConflict,
       {"rule", "899", "10.1.2.0/24"}},
      {"Link", "ip link add wg0 type ifb", RouteNode(), ErrorCode::kNameTaken, {"wg0", "owner"}},
      {"NftTable",
       "nft add table inet wgnet-owner",
       ServerNode(),
       kConflict,
       {"nft", "wgnet-owner"}},
      {"NftTableV4",
       "nft add table ip wgnet-owner",
       TunnelNode(),
       kConflict,
       {"nft", "wgnet-owner"}},
      {"Address",
       "ip address add 10.9.77.1/24 dev wg0",
       OneMoreAddress(),
       kConflict,
       {"address", "10.9.77.1/24", "wg0"},
       RouteNode()},
      {"AddressV6",
       "ip address add fd77::1/64 dev wg0 nodad",
       OneMoreAddress(),
       kConflict,
       {"address", "fd77::1/64", "wg0"},
       RouteNode()},
      {"RuleWithANamelessSet",
       "nft add rule inet wgnet-owner forward ip saddr '{ 10.1.0.1, 10.1.0.2 }' drop",
       Node(ServerNode()).Add(ForwardRule().Between("wg0", "lo")),
       kConflict,
       {"forward", "wgnet-owner", "set without a name"},
       ServerNode()},
      {"RuleWithANamelessSetWhereOneGoes",
       "nft add rule inet wgnet-owner forward ip saddr '{ 10.1.0.1, 10.1.0.2 }' drop",
       ServerNode(),
       kConflict,
       {"forward", "wgnet-owner", "set without a name"},
       Node(ServerNode()).Add(ForwardRule().Between("wg0", "lo"))},
  };
}

size_t FilesIn(const std::string& directory) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    count += entry.is_regular_file() && entry.path().filename() != "lock";
  }
  return count;
}

std::string Collide(const Conflict& conflict) {
  const TemporaryDirectory directory;
  MakeUplink("eth0", "192.168.5.1/24");
  Host host("owner", directory.path());
  if (!conflict.before.empty()) {
    if (const auto error = Text(host.Apply(conflict.before)); !error.empty()) return error;
  }
  if (const auto output = Shell(conflict.commands); !output.empty()) return output;
  const std::string before = host.State();
  const size_t files = FilesIn(directory.path());
  host.transport().Arm({});
  const Status status = host.Apply(conflict.node);
  if (status) return "nobody noticed";
  const std::string text = status.error().ToString();
  if (status.error().code != conflict.code) return "another code: " + text;
  if (status.error().hint.empty()) return "no hint: " + text;
  for (const std::string& word : conflict.named) {
    if (text.find(word) == text.npos) return word + " is not named: " + text;
  }
  if (host.transport().messages() != 0) return "something was sent";
  if (FilesIn(directory.path()) != files) return "a file was written";
  return DifferenceOf(before, host.State());
}

class ForeignInOurPlace : public ::testing::TestWithParam<Conflict> {};

TEST_P(ForeignInOurPlace, IsNamedAndNothingIsDone) {
  EXPECT_EQ(InNewNamespace([] { return Collide(GetParam()); }), "");
}

INSTANTIATE_TEST_SUITE_P(, ForeignInOurPlace, ::testing::ValuesIn(Conflicts()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace wgnet::testing
