// SPDX-License-Identifier: MIT OR Apache-2.0
// When the first IPv4 address of a network goes, the kernel takes the others of that network along;
// those that are wanted are there in the end, and after a failure all are as before. When the last
// one of a link goes, the kernel takes its IPv4 routes along: they are there in the end, too, and
// so are those of somebody else. An IPv6 address that gets another length goes before it comes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/kernel_state.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

using Addresses = std::vector<std::string>;

struct Case {
  std::string name;
  Addresses before;
  Addresses after;
};

Node WithAddresses(const Addresses& addresses) {
  Interface interface("wg0");
  for (const std::string& address : addresses) interface.Address(address);
  return Node().Add(interface.AddPeer(Peer(TestKey("peer").Public()).AllowedIp("10.99.0.0/16")));
}

constexpr char kForeignRoute[] = "ip route add 10.98.0.0/16 dev wg0 table 77 metric 9 mtu 1300";
bool HasForeignRoute() {
  return Shell("ip route show table 77") == "10.98.0.0/16 dev wg0 scope link metric 9 mtu 1300 \n";
}

std::string ChangeAndBack(const Case& test) {
  const TemporaryDirectory state;
  MakeUplink("eth0", "192.168.5.1/24");
  Host host("owner", state.path());
  for (const Addresses& addresses : {test.before, test.after, test.before}) {
    if (Status done = host.Apply(WithAddresses(addresses)); !done) return done.error().ToString();
    const auto again = host.Plan(WithAddresses(addresses));
    if (!again) return again.error().ToString();
    if (!again->ops.empty()) return "then the plan is not empty";
    if (addresses == test.before) Shell(kForeignRoute);
    if (!HasForeignRoute()) return "somebody else's route is lost";
  }
  return "";
}

// Every message of the change fails, one at a time; then none does.
std::string FailEach(Host& host, const Case& test) {
  const std::string before = host.State();
  size_t failed = 0;
  while (true) {
    host.transport().Arm({failed + 1, EPERM, std::nullopt});
    const Status done = host.ApplyOnce(WithAddresses(test.after));
    if (!host.transport().fired() && !done) return Text(done);
    if (!host.transport().fired()) break;
    ++failed;
    if (done) return "the fault went unnoticed";
    const std::string difference = DifferenceOf(before, host.State());
    if (!difference.empty()) return done.error().ToString() + "\nleft:\n" + difference;
  }
  return failed > 0 ? "" : "no message was sent";
}

std::string FailToChange(const Case& test) {
  const TemporaryDirectory state;
  MakeUplink("eth0", "192.168.5.1/24");
  Host host("owner", state.path());
  if (Status done = host.Apply(WithAddresses(test.before)); !done) return done.error().ToString();
  Shell(kForeignRoute);
  if (!HasForeignRoute()) return "there is no route of somebody else's";
  return FailEach(host, test);
}

class AddressChange : public ::testing::TestWithParam<Case> {};

TEST_P(AddressChange, EndsAsWanted) {
  EXPECT_EQ(InNewNamespace([&] { return ChangeAndBack(GetParam()); }), "");
}

TEST_P(AddressChange, FailsWithoutATrace) {
  EXPECT_EQ(InNewNamespace([&] { return FailToChange(GetParam()); }), "");
}

INSTANTIATE_TEST_SUITE_P(
    , AddressChange,
    ::testing::Values(
        Case{"ToAnotherOfTheNetwork", {"10.72.0.1/24"}, {"10.72.0.2/24"}},
        Case{"TheFirstOfTwoGoes", {"10.72.0.1/24", "10.72.0.2/24"}, {"10.72.0.2/24"}},
        Case{"TheFirstOfTwoIsAnother",
             {"10.72.0.1/24", "10.72.0.2/24"},
             {"10.72.0.3/24", "10.72.0.2/24"}},
        Case{"TheOtherWasFirst", {"10.72.0.2/24"}, {"10.72.0.1/24", "10.72.0.2/24"}},
        Case{"ToAnotherNetwork", {"10.72.0.1/24"}, {"10.73.0.1/24"}},
        Case{"AllGo", {"10.72.0.1/24", "10.73.0.1/24"}, {}},
        Case{"AllAreOfIpv6", {"10.72.0.1/24"}, {"fd72::1/64"}},
        Case{"AllAreOthers", {"10.72.0.1/24", "10.73.0.1/24"}, {"10.72.0.2/24", "10.73.0.2/24"}},
        Case{"ToLinkLocal", {"fd72::1/64"}, {"fe80::72:1/64", "fec0::72:1/64"}},
        Case{"ToAnotherLinkLocal", {"fe80::72:1/64"}, {"fe80::72:2/64", "10.72.0.1/24"}},
        Case{"TheFirstOfIpv4", {"fd72::1/64"}, {"fd72::1/64", "10.72.0.1/24", "10.73.0.1/24"}},
        Case{"ToALongerIpv6Prefix", {"fd72::1/64"}, {"fd72::1/128"}},
        Case{"ToAShorterIpv6Prefix", {"fd72::1/64", "fd72::2/64"}, {"fd72::1/48", "fd72::2/64"}},
        Case{"ToALongerLinkLocal", {"fe80::72:1/64"}, {"fe80::72:1/128"}},
        Case{"ToALongerIpv4Prefix", {"10.72.0.1/24"}, {"10.72.0.1/32"}},
        Case{"ItsNetworkBecomesARoute", {"10.99.0.1/16"}, {"10.99.0.1/32"}},
        Case{"ItsNetworkBecomesARouteOfAnother", {"10.99.0.1/16"}, {"10.72.0.1/24"}},
        Case{"OtherNetworksStay",
             {"10.72.0.1/24", "10.73.0.1/24", "fd72::1/64"},
             {"10.72.0.9/24", "10.73.0.1/24", "fd72::2/64"}}),
    [](const auto& info) { return info.param.name; });

// ---- a route of somebody else's that has an address as its source ----

std::string RouteAfter(const Case& test) {
  const TemporaryDirectory state;
  Host host("owner", state.path());
  if (Status done = host.Apply(WithAddresses(test.before)); !done) return done.error().ToString();
  const std::string said = Shell("ip route add 10.97.0.0/16 dev wg0 src 10.73.0.1 mtu 1300");
  if (!said.empty()) return said;
  const std::string left = FailEach(host, test);
  return left.empty() ? Shell("ip route show 10.97.0.0/16") : left;
}

TEST(AddressOfARoute, TakesItAlongIfItGoes) {
  const Addresses both = {"10.73.0.2/24", "10.73.0.1/24"};
  for (const Case& test :
       {Case{"to another", both, {"10.73.0.2/24"}},
        Case{"of several networks", {"10.72.0.1/24", "10.73.0.1/24"}, {"10.72.0.1/24"}},
        Case{"to none", {"10.73.0.1/24"}, {"fd72::1/64"}}}) {
    EXPECT_EQ(InNewNamespace([&] { return RouteAfter(test); }), "") << test.name;
  }
  const Case rescued{"rescued", both, {"10.73.0.1/24"}};
  EXPECT_EQ(InNewNamespace([&] { return RouteAfter(rescued); }),
            "10.97.0.0/16 dev wg0 scope link src 10.73.0.1 mtu 1300 \n");
}

}  // namespace
}  // namespace wgnet::testing
