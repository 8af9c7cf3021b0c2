// SPDX-License-Identifier: MIT OR Apache-2.0
// Routes of others through a link of ours, or in the place of one of our routes: they hinder no
// change and no removal, and are as they were after one that failed.
#include <gtest/gtest.h>

#include "src/plan/explain.h"
#include "tests/support/kernel_state.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

Interface Tunnel(const std::vector<std::string>& addresses) {
  Interface interface("wg0");
  for (const std::string& address : addresses) interface.Address(address);
  return interface.AddPeer(
      Peer(TestKey("peer").Public()).AllowedIp("10.99.0.0/16").AllowedIp("fd99::/64"));
}

Node WithAddresses(const std::vector<std::string>& addresses) {
  return Node().Add(Tunnel(addresses));
}

const Node kBoth = WithAddresses({"10.72.0.1/24", "fd72::1/64"});
const Node kIpv6 = WithAddresses({"fd72::1/64"});

std::string InTunnel(const Node& node, const std::string& setup,
                     const std::function<std::string(Host&)>& body) {
  return InNewNamespace([&]() -> std::string {
    const TemporaryDirectory state;
    MakeUplink("eth0", "192.168.5.1/24");
    Host host("owner", state.path());
    if (const Status done = host.Apply(node); !done) return Text(done);
    const std::string said = Shell(setup);
    return said.empty() ? body(host) : said;
  });
}

std::string Explained(Host& host, const Node& node) {
  const auto plan = host.Plan(node);
  return plan ? plan::Explain(*plan) : Text(plan.error());
}

bool NamesOthers(const std::string& explained) {
  return explained.find("somebody else's") != std::string::npos;
}

// ---- through a link that goes ----

struct Case {
  std::string name;
  std::string setup;
  std::string list;  // prints the route
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::string RemoveWith(const Case& test, Host& host) {
  if (Shell(test.list).empty()) return "there is no route of somebody else's";
  const std::string explained = Explained(host, Node());
  if (!NamesOthers(explained)) return "it is not named:\n" + explained;
  if (const Status done = host.Apply(Node()); !done) return Text(done);
  return Shell(test.list);
}

// The first message fails that takes the link away, when the routes have gone.
std::string FailToRemove(const Case& test, Host& host) {
  const std::string route = Shell(test.list);
  const std::string before = host.State();
  size_t failed = 0;
  for (size_t message = 1; Shell("ip link show wg0 2>/dev/null | wc -l") != "0\n"; ++message) {
    host.transport().Arm({message, EPERM, std::nullopt});
    const Status done = host.ApplyOnce(Node());
    if (!host.transport().fired()) break;
    if (done) return "the fault went unnoticed";
    if (const auto left = DifferenceOf(before, host.State()); !left.empty()) return left;
    if (Shell(test.list) != route) return "the route is not as it was: " + Shell(test.list);
    if (done.error().command.find("ip link del") != std::string::npos) return "";
    ++failed;
  }
  return "no message took the link away";
}

class ForeignRoute : public ::testing::TestWithParam<Case> {};

TEST_P(ForeignRoute, GoesWithTheLink) {
  EXPECT_EQ(
      InTunnel(kBoth, GetParam().setup, [](Host& host) { return RemoveWith(GetParam(), host); }),
      "");
}

TEST_P(ForeignRoute, IsThereAgainAfterAFailure) {
  EXPECT_EQ(
      InTunnel(kBoth, GetParam().setup, [](Host& host) { return FailToRemove(GetParam(), host); }),
      "");
}

INSTANTIATE_TEST_SUITE_P(
    , ForeignRoute,
    ::testing::Values(
        Case{"OfANexthopObject",
             "ip nexthop add id 14 via 10.72.0.2 dev wg0; ip route add 10.55.0.0/16 nhid 14 proto "
             "bgp",
             "ip route show 10.55.0.0/16"},
        Case{"OfAnIpv6NexthopObject",
             "ip nexthop add id 16 via fd72::2 dev wg0; ip -6 route add 2001:db8:55::/48 nhid 16 "
             "proto bgp",
             "ip -6 route show 2001:db8:55::/48"},
        Case{"OfANexthopObjectOfIpv6",
             "ip nexthop add id 15 via inet6 fd72::2 dev wg0; ip route add 10.54.0.0/16 nhid 15",
             "ip route show 10.54.0.0/16"},
        Case{"OfSeveralWays",
             "ip route add 10.56.0.0/16 nexthop dev wg0 nexthop via 192.168.5.254 dev eth0",
             "ip route show 10.56.0.0/16"},
        Case{"FromANetwork",
             "ip -6 route add 2001:db8:57::/48 from 2001:db8:1::/48 dev wg0;"
             "ip -6 route add 2001:db8:57::/48 from 2001:db8:2::/48 dev wg0",
             "ip -6 route show 2001:db8:57::/48"},
        Case{"ThroughAnother",
             "ip route add 10.58.0.0/24 dev wg0; ip route add 10.59.0.0/16 via 10.58.0.1",
             "ip route show 10.59.0.0/16"}),
    [](const auto& info) { return info.param.name; });

// ---- beside an address that comes or goes ----

struct AddressCase {
  std::string name;
  std::string setup;
  std::string list;
  Node from = kBoth;
  Node to = WithAddresses({"10.72.0.9/24", "fd72::1/64"});
  bool stays = true;
};

void PrintTo(const AddressCase& c, std::ostream* out) { *out << c.name; }

// Each message fails in turn, and then none.
std::string FailAndChange(const AddressCase& test, Host& host) {
  const std::string route = Shell(test.list);
  if (route.empty()) return "there is no route of somebody else's";
  const std::string explained = Explained(host, test.to);
  if (NamesOthers(explained) == test.stays) return explained;
  const std::string before = host.State();
  for (size_t message = 1;; ++message) {
    host.transport().Arm({message, EPERM, std::nullopt});
    const Status done = host.ApplyOnce(test.to);
    if (!host.transport().fired()) {
      if (!done) return Text(done);
      break;
    }
    if (done) return "the fault went unnoticed";
    if (const auto left = DifferenceOf(before, host.State()); !left.empty()) return left;
    if (Shell(test.list) != route) return "the route is not as it was: " + Shell(test.list);
  }
  const auto again = host.Plan(test.to);
  if (!again || !again->ops.empty()) return "there is more to do";
  const std::string after = Shell(test.list);
  return after == (test.stays ? route : "") ? "" : "it has become " + after;
}

class RouteBesideAddress : public ::testing::TestWithParam<AddressCase> {};

TEST_P(RouteBesideAddress, StaysOrIsNamed) {
  EXPECT_EQ(InTunnel(GetParam().from, GetParam().setup,
                     [](Host& host) { return FailAndChange(GetParam(), host); }),
            "");
}

INSTANTIATE_TEST_SUITE_P(
    , RouteBesideAddress,
    ::testing::Values(
        AddressCase{"Gateway", "ip route add 10.50.0.0/16 via 10.72.0.2",
                    "ip route show 10.50.0.0/16"},
        AddressCase{.name = "GatewayOutOfReach",
                    .setup = "ip route add 10.50.0.0/16 via 10.72.0.2",
                    .list = "ip route show 10.50.0.0/16",
                    .to = kIpv6,
                    .stays = false},
        AddressCase{.name = "GatewayBehindOurs",
                    .setup = "ip route add default via 10.99.0.1 dev wg0 table 100;"
                             "ip route add 10.50.0.0/16 via 10.99.0.1 dev wg0",
                    .list = "ip route show table 100; ip route show 10.50.0.0/16",
                    .to = kIpv6},
        AddressCase{"SeveralWays",
                    "ip route add 10.56.0.0/16 nexthop via 10.72.0.2 dev wg0 nexthop via "
                    "10.72.0.3 dev wg0",
                    "ip route show 10.56.0.0/16"},
        AddressCase{"OneOfSeveralWays",
                    "ip route add 10.56.0.0/16 nexthop via 10.72.0.2 dev wg0 nexthop via "
                    "192.168.5.254 dev eth0",
                    "ip route show 10.56.0.0/16"},
        AddressCase{.name = "SeveralWaysAndAFirstAddress",
                    .setup = "ip route add 10.56.0.0/16 nexthop dev wg0 nexthop via "
                             "192.168.5.254 dev eth0",
                    .list = "ip route show 10.56.0.0/16",
                    .from = kIpv6,
                    .to = kBoth},
        AddressCase{.name = "NexthopObject",
                    .setup = "ip nexthop add id 14 via 10.72.0.2 dev wg0;"
                             "ip route add 10.55.0.0/16 nhid 14 proto bgp",
                    .list = "ip route show 10.55.0.0/16",
                    .to = kIpv6}),
    [](const auto& info) { return info.param.name; });

// The kernel takes the link out of the group, and leaves the rest.
TEST(NexthopGroup, LosesALinkOnly) {
  const auto body = [](Host& host) -> std::string {
    const std::string explained = Explained(host, Node());
    if (NamesOthers(explained)) return explained;
    if (const Status done = host.Apply(Node()); !done) return Text(done);
    return Shell("ip route show 10.55.0.0/16 | grep -c eth0");
  };
  EXPECT_EQ(InTunnel(kBoth,
                     "ip nexthop add id 1 via 10.72.0.2 dev wg0;"
                     "ip nexthop add id 2 via 192.168.5.254 dev eth0;"
                     "ip nexthop add id 3 group 1/2; ip route add 10.55.0.0/16 nhid 3",
                     body),
            "1\n");
}

// ---- in the place of one of ours ----

std::string Repair(Host& host) {
  const std::string replaced = host.State();
  host.transport().Arm({1, EPERM, std::nullopt});
  if (host.ApplyOnce(kBoth)) return "the fault went unnoticed";
  if (const auto left = DifferenceOf(replaced, host.State()); !left.empty()) return left;
  if (const Status done = host.Apply(kBoth); !done) return Text(done);
  const auto again = host.Plan(kBoth);
  if (!again) return Text(again.error());
  return again->ops.empty() ? "" : "there is more to do";
}

TEST(ReplacedRoute, IsOursAgainWithNothingOfTheOther) {
  for (const std::string other : {"via 192.168.5.254", "dev eth0 src 192.168.5.1", "dev eth0"}) {
    EXPECT_EQ(InTunnel(kBoth, "ip route replace 10.99.0.0/16 " + other,
                       [](Host& host) {
                         const std::string wrong = Repair(host);
                         return wrong.empty() ? Shell("ip route show 10.99.0.0/16") : wrong;
                       }),
              "10.99.0.0/16 dev wg0 proto 87 scope link \n")
        << other;
  }
}

// ---- and with a first IPv4 address that is taken back ----

constexpr char kShow[] = "ip route show table 77";

TEST(FirstAddress, TakesNoRouteAlongThatItsOwnerHasRemoved) {
  const auto body = [](Host& host) -> std::string {
    const ConfirmOptions minutes{.within = std::chrono::minutes(5)};
    const auto done = host.planner().Apply(kBoth, *plan::ResolveHosts(kBoth, {}), {}, &minutes);
    if (!done) return Text(done.error());
    if (const auto said = Shell("ip route del 10.98.0.0/16 table 77"); !said.empty()) return said;
    const auto report = host.planner().TakeBack("");
    if (!report) return Text(report.error());
    return report->complete() ? Shell(kShow) : "something is left";
  };
  EXPECT_EQ(InTunnel(kIpv6,
                     "ip route add 10.98.0.0/16 dev wg0 table 77;"
                     "ip route add 10.97.0.0/16 dev wg0 table 77",
                     body),
            "10.97.0.0/16 dev wg0 scope link \n");
}

TEST(FirstAddress, IsTakenBackByAPlanToo) {
  const auto body = [](Host& host) -> std::string {
    const auto plan = host.Plan(kBoth);
    if (!plan) return Text(plan.error());
    const std::string before = host.State();
    if (const Status done = host.Apply(kBoth); !done) return Text(done);
    if (const Status done = host.Apply(kIpv6); !done) return Text(done);
    return DifferenceOf(before, host.State());
  };
  EXPECT_EQ(InTunnel(kIpv6,
                     "ip route add 10.98.0.0/16 dev wg0 table 77;"
                     "ip route add 10.97.0.0/16 via 10.98.0.1 dev wg0 table 77 onlink",
                     body),
            "");
}

// A route of others that comes or goes is no reason for a new plan.
TEST(FirstAddress, DoesNotMindThatOthersRoutesChange) {
  const auto body = [](Host& host) -> std::string {
    bool removed = false;
    host.transport().OnStep([&] {
      if (!removed) Shell("ip route del 10.98.0.0/16 table 77");
      removed = true;
    });
    if (const Status done = host.ApplyOnce(kBoth); !done) return Text(done);
    return removed ? Shell(kShow) : "nothing was removed";
  };
  EXPECT_EQ(InTunnel(kIpv6, "ip route add 10.98.0.0/16 dev wg0 table 77", body), "");
}

}  // namespace
}  // namespace wgnet::testing
