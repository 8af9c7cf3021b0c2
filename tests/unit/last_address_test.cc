// SPDX-License-Identifier: MIT OR Apache-2.0
// No IPv4 route goes along with the last IPv4 address of its link.
#include "src/plan/last_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/plan/explain.h"
#include "tests/support/model_kernel.h"
#include "tests/support/world.h"

namespace wgnet::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using wgnet::testing::ModelKernel;
using wgnet::testing::TestKey;

constexpr char kRoute[] = "10.99.0.0/16";

Node WithAddresses(const std::vector<std::string>& addresses, const std::string& route = kRoute) {
  Interface link("wg0");
  for (const std::string& address : addresses) link.Address(address);
  return Node().Add(
      link.AddPeer(Peer(TestKey("peer").Public()).AllowedIp(route).AllowedIp("fd99::/64")));
}

// "add 10.0.0.1/24", of IPv4 addresses and routes.
std::vector<std::string> StepsBetween(const Node& before, const Node& after) {
  ModelKernel kernel;
  kernel.Apply("owner", before);
  const auto plan = kernel.Plan("owner", after);
  if (!plan) return {plan.error().ToString()};
  std::vector<std::string> steps;
  for (const Op& op : plan->ops) {
    const auto* address = std::get_if<kernel::Address>(&op.object);
    const auto* route = std::get_if<kernel::Route>(&op.object);
    if (address == nullptr && route == nullptr) continue;
    const Prefix& prefix = address != nullptr ? *address->local : *route->dst;
    if (prefix.is_v6()) continue;
    steps.push_back(std::string(kernel::VerbName(op.verb)) + " " + prefix.ToString() +
                    (op.undo_only ? " in undo" : ""));
  }
  return steps;
}

TEST(LastAddressTest, RoutesAreMadeAgainWhereAnotherOneComesLater) {
  EXPECT_THAT(StepsBetween(WithAddresses({"10.72.0.1/24"}), WithAddresses({"10.72.0.2/24"})),
              ElementsAre("delete 10.99.0.0/16", "delete 10.72.0.1/24", "add 10.72.0.2/24",
                          "add 10.99.0.0/16"));
}

TEST(LastAddressTest, RoutesAreLeftAloneWhereOneStays) {
  EXPECT_THAT(StepsBetween(WithAddresses({"10.72.0.1/24"}), WithAddresses({"10.73.0.1/24"})),
              ElementsAre("add 10.73.0.1/24", "delete 10.72.0.1/24"));
  EXPECT_THAT(StepsBetween(WithAddresses({"10.72.0.1/24", "10.73.0.1/24"}),
                           WithAddresses({"10.72.0.2/24", "10.73.0.1/24"})),
              ElementsAre("delete 10.72.0.1/24", "add 10.72.0.2/24"));
}

TEST(LastAddressTest, RoutesAreMadeAgainWhereNoneIsLeft) {
  EXPECT_THAT(StepsBetween(WithAddresses({"10.72.0.1/24"}), WithAddresses({})),
              ElementsAre("delete 10.99.0.0/16", "delete 10.72.0.1/24", "add 10.99.0.0/16"));
  EXPECT_THAT(StepsBetween(WithAddresses({"10.72.0.1/24"}), WithAddresses({"fd72::1/64"})),
              ElementsAre("delete 10.99.0.0/16", "delete 10.72.0.1/24", "add 10.99.0.0/16"));
}

TEST(LastAddressTest, NewRoutesWaitWhereNoneIsLeft) {
  EXPECT_THAT(StepsBetween(WithAddresses({"10.72.0.1/24"}), WithAddresses({}, "10.98.0.0/16")),
              ElementsAre("delete 10.99.0.0/16", "delete 10.72.0.1/24", "add 10.98.0.0/16"));
}

TEST(LastAddressTest, OfALinkThatGoesNothingIsMadeAgain) {
  EXPECT_THAT(StepsBetween(WithAddresses({"10.72.0.1/24"}), Node()),
              ElementsAre("delete 10.99.0.0/16", "delete 10.72.0.1/24"));
}

TEST(LastAddressTest, RoutesAreMadeAgainWhereTheFirstOneIsTakenBack) {
  EXPECT_THAT(StepsBetween(WithAddresses({"fd72::1/64"}),
                           WithAddresses({"fd72::1/64", "10.72.0.1/24", "10.73.0.1/24"})),
              ElementsAre("delete 10.99.0.0/16 in undo", "add 10.72.0.1/24", "add 10.73.0.1/24",
                          "add 10.99.0.0/16 in undo"));
  EXPECT_THAT(StepsBetween(Node(), WithAddresses({"10.72.0.1/24"})),
              ElementsAre("add 10.72.0.1/24", "add 10.99.0.0/16"));
}

TEST(LastAddressTest, OtherFamiliesAreLeftAlone) {
  EXPECT_THAT(StepsBetween(WithAddresses({"fd72::1/64"}), WithAddresses({"fd72::2/64"})),
              IsEmpty());
}

}  // namespace
}  // namespace wgnet::plan
