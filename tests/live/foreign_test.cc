// SPDX-License-Identifier: MIT OR Apache-2.0
// What others have in the kernel: it stays as it is, to the byte, whatever becomes of a node; what
// goes with a link or a table of ours is announced, and comes back if that fails; and where
// somebody else's object has the place of one of ours, nothing is done.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <net/if.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <set>
#include <sstream>

#include "src/plan/explain.h"
#include "src/plan/reader.h"
#include "tests/support/kernel_state.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

// In every family, beside ours.
constexpr char kForeign[] = R"(set -e
ip rule add priority 1234 fwmark 0x77 lookup 77
ip -6 rule add priority 1234 from fd77::/64 lookup 77
ip route add 203.0.113.0/24 via 192.168.5.254 metric 7
ip route add blackhole 203.0.114.0/24
ip route add 198.51.100.0/24 dev eth0 table 700
ip -6 route add 2001:db8:77::/48 dev eth0
ip -6 route add 2001:db8:78::/48 dev eth0 table 700
ip address add 192.168.5.77/24 dev eth0 label eth0:x
ip address add 2001:db8::77/64 dev eth0 nodad
nft -f - <<E
table inet mine {
  set ports { type inet_service; flags interval; elements = { 80, 8000-8100 } }
  chain forward {
    type filter hook forward priority 5; policy accept;
    tcp dport @ports counter accept comment "mine"
    ct state invalid drop
  }
}
table ip nat {
  chain postrouting {
    type nat hook postrouting priority 90
    oifname "eth9" masquerade
  }
}
E
)";

// On our links, and in our tables of routes.
constexpr char kForeignOnLink[] = R"(set -e
ip address add 10.20.7.7/24 dev hub
ip address add 172.30.0.1/32 peer 172.30.0.2/32 dev hub
ip address add fd77::1/64 dev hub nodad
ip route add 172.20.0.0/16 dev hub
ip route add 172.21.0.0/16 dev exit table 700 metric 9
ip route add 172.22.0.0/16 via 10.20.9.9 dev hub table 4242 mtu 1300
ip -6 route add fd78::/64 dev hub
ip -6 route add fd79::/64 dev exit table 700
)";
constexpr size_t kForeignOnLinkCount = 9;  // those, and a peer

// In a table of ours: a rule in one of our chains, and a chain and a set that it needs.
constexpr char kForeignInTable[] = R"(nft -f - <<E
table inet wgnet-owner {
  set nets { type ipv4_addr; flags interval; elements = { 10.66.0.0/16, 10.68.1.1-10.68.1.9 } }
  chain theirs {
    ip daddr @nets counter drop comment "theirs"
  }
  chain forward {
    iifname "x*" ip saddr @nets counter jump theirs comment "theirs, too"
  }
}
E
)";

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

constexpr char kForeignPeer[] = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";

// The lines of `before` that are not there any more; settings do not count.
std::string Lost(const std::string& before, const std::string& after) {
  const auto lines = ObjectsOf(after);
  std::string lost;
  for (const std::string& line : ObjectsOf(before)) {
    if (!lines.contains(line)) lost += "lost " + line + "\n";
  }
  return lost;
}

std::string Text(const Status& status) { return status ? "" : status.error().ToString(); }

// A peer that nobody asked wgnet for, by a message of the test's own.
std::string AddForeignPeer(Host& host, const char* link) {
  netlink::Client client(host.transport());
  plan::Reader reader(client, netlink::ExtraMode::kDrop);
  const auto family = reader.GenericFamily("wireguard");
  if (!family) return family.error().ToString();
  kernel::WgPeer peer;
  peer.dev = kernel::LinkRef{if_nametoindex(link), FixedString<IFNAMSIZ - 1>(link)};
  peer.public_key = *PublicKey::Parse(kForeignPeer);
  peer.allowed_ips = {*Prefix::Parse("10.250.0.0/16"), *Prefix::Parse("fd7a::/64")};
  peer.keepalive = 17;
  const kernel::Edit<kernel::WgPeer> edit{kernel::Verb::kAdd, peer, peer};
  SecretBuffer bytes;
  netlink::MessageWriter out(bytes, client.sequence());
  kernel::GivenIps given;
  kernel::EncodePeers({&edit, 1}, kernel::Packing::kTogether, {*family}, given, out);
  const iovec part{bytes.data(), bytes.size()};
  std::string error;
  client.Change(netlink::Bus::kGeneric, {&part, 1}, *reinterpret_cast<nlmsghdr*>(bytes.data()),
                [&](const netlink::KernelError& e) {
                  error = fmt::format("foreign peer: errno {}", e.error_number);
                });
  return error;
}

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
  /// Without the end of an interval at address 0 that nft begins a set with: it means nothing.
  std::string State() const {
    std::string rest;
    std::istringstream in(host_->State());
    for (std::string line; std::getline(in, line);) {
      if (!line.ends_with(" 0c00010008000100000000000800030000000001")) rest += line + "\n";
    }
    return rest;
  }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<Host> host_;
  std::string complaint_;
};

// ---- beside ours ----

// A node comes, becomes another, and goes.
std::string StaysThroughout() {
  World world;
  const std::string before = world.State();
  if (!world.complaint().empty()) return world.complaint();
  for (const Node& node : {LargeNode(), LargeNode(), ChangedNode(), ClientNode()}) {
    if (const auto error = Text(world.host().Apply(node)); !error.empty()) return error;
    if (const auto lost = Lost(before, world.State()); !lost.empty()) return lost;
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
  const size_t step = std::getenv("WGNET_FULL") != nullptr ? 1 : messages / sample;
  size_t cases = 0;
  for (size_t i = 0; i < messages; i += step, ++cases) {  // from the last message down
    EXPECT_EQ(InNewNamespace([&] { return FailAt(GetParam(), messages - i); }), "")
        << "message " << messages - i << " of " << messages;
  }
  std::cout << fmt::format("{}: {} of {} messages, and the record\n", GetParam().name, cases,
                           messages);
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
  return Lost(with, world.State());
}

TEST(Foreign, StaysOnOurLinksAsLongAsTheyStay) { EXPECT_EQ(InNewNamespace(StaysOnOurLinks), ""); }

std::string IsAnnounced() {
  World world;
  const std::string before = world.State();
  if (const auto error = Text(world.host().Apply(LargeNode())); !error.empty()) return error;
  world.AddOnLink();
  if (!world.complaint().empty()) return world.complaint();
  const auto plan = world.host().Plan({});
  if (!plan) return plan.error().ToString();
  size_t foreign = 0;
  for (const plan::Op& op : plan->ops) {
    const bool said = plan::Explain(op).find("somebody else's") != std::string::npos;
    if (said != op.foreign) return "Explain says otherwise: " + plan::Explain(op);
    foreign += op.foreign;
  }
  std::string text = plan::Explain(*plan);
  if (foreign != kForeignOnLinkCount)
    return fmt::format("{} of {}:\n{}", foreign, kForeignOnLinkCount, text);
  for (const char* word :
       {"10.20.7.7/24", "172.30.0.1", "fd77::1/64", "172.20.0.0/16", "172.21.0.0/16",
        "172.22.0.0/16", "fd78::/64", "fd79::/64", kForeignPeer}) {
    if (text.find(word) == text.npos) return std::string(word) + " is not named:\n" + text;
  }
  if (const auto done = world.host().planner().Apply(*plan); !done) {
    return done.error().ToString();
  }
  return DifferenceOf(before, world.State());
}

TEST(Foreign, OnOurLinksIsAnnouncedBeforeItGoes) { EXPECT_EQ(InNewNamespace(IsAnnounced), ""); }

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
