// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/routing.h"

#include <gtest/gtest.h>

namespace wgnet::plan {
namespace {

kernel::Route Route(const char* dst, uint32_t metric = 0, uint32_t table = RT_TABLE_MAIN) {
  kernel::Route route;
  route.type = RTN_UNICAST;
  route.dst = *Prefix::Parse(dst);
  route.table = table;
  route.metric = metric;
  return route;
}

std::string Best(const std::vector<kernel::Route>& routes, const char* to) {
  const kernel::Route* best = BestRoute(routes, RT_TABLE_MAIN, *IpAddress::Parse(to));
  if (best == nullptr) return "none";
  return best->dst->ToString() + " " + std::to_string(*best->metric);
}

TEST(RoutingTest, TheLongestPrefixIsTheBest) {
  const std::vector<kernel::Route> routes = {Route("0.0.0.0/0"), Route("10.0.0.0/8"),
                                             Route("10.1.0.0/16"), Route("10.1.2.0/24", 0, 700)};
  EXPECT_EQ(Best(routes, "10.1.2.3"), "10.1.0.0/16 0");
  EXPECT_EQ(Best(routes, "10.2.2.3"), "10.0.0.0/8 0");
  EXPECT_EQ(Best(routes, "192.0.2.1"), "0.0.0.0/0 0");
  EXPECT_EQ(Best({Route("10.0.0.0/8")}, "192.0.2.1"), "none");
}

TEST(RoutingTest, OfTwoTheLesserMetricIsTheBest) {
  EXPECT_EQ(Best({Route("0.0.0.0/0", 100), Route("0.0.0.0/0", 50)}, "192.0.2.1"), "0.0.0.0/0 50");
}

TEST(RoutingTest, ARouteForATypeOfServiceIsForThatOnly) {
  kernel::Route route = Route("10.0.0.0/8");
  route.tos = 16;
  EXPECT_EQ(Best({Route("0.0.0.0/0"), route}, "10.0.0.1"), "0.0.0.0/0 0");
}

TEST(RoutingTest, SomeTypesRefuse) {
  kernel::Route route = Route("10.0.0.0/8");
  EXPECT_FALSE(Refuses(route));
  for (const uint8_t type : {RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT, RTN_THROW}) {
    route.type = type;
    EXPECT_TRUE(Refuses(route));
  }
}

}  // namespace
}  // namespace wgnet::plan
