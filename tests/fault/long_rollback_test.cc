// SPDX-License-Identifier: MIT OR Apache-2.0
// More steps than sendmsg(2) takes parts: all are taken back, whether they lie side by side or not.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/kernel_state.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

constexpr int kRoutes = 2400;

Node ManyPeers() {
  Interface hub("wg0");
  hub.PrivateKey(TestKey("own")).Address("10.9.0.1/16");
  for (int i = 0; i < 1200; ++i) {
    hub.AddPeer(Peer(TestKey(fmt::format("peer {}", i)).Public())
                    .AllowedIp(fmt::format("10.9.{}.{}/32", 1 + i / 200, i % 200)));
  }
  return Node().Add(hub);
}

Node ManyRoutes() {
  Node node = Node().Add(Interface("wg0").PrivateKey(TestKey("own")).Address("10.9.0.1/16"));
  for (int i = 0; i < kRoutes; ++i) {
    node.Add(PolicyRoute::ForPrefix(fmt::format("10.{}.{}.0/24", 100 + i / 200, i % 200), "wg0")
                 .Table(700));
  }
  return node;
}

// A failure in the end, and what is different then.
std::string Fail(Host& host, const Node& node) {
  const std::string before = host.State();
  const Status done = host.Apply(node, {.post_up = {"false"}, .post_down = {"false"}});
  if (done) return "the hook's failure went unnoticed";
  if (!done.error().rollback->complete()) return Text(done).substr(0, 2000);
  return DifferenceOf(before, host.State()).substr(0, 2000);
}

TEST(LongRollback, OfManyPeers) {
  EXPECT_EQ(InNewNamespace([]() -> std::string {
              const TemporaryDirectory state;
              Host host("owner", state.path());
              if (const std::string left = Fail(host, ManyPeers()); !left.empty()) return left;
              if (const Status up = host.Apply(ManyPeers()); !up) return Text(up);
              return Fail(host, {});
            }),
            "");
}

// Every second one was refused: between those that are taken back are others.
TEST(LongRollback, OfRoutesThatLieApart) {
  EXPECT_EQ(InNewNamespace([]() -> std::string {
              const TemporaryDirectory state;
              Host host("owner", state.path());
              const std::string before = host.State();
              std::vector<Fault> faults;
              for (size_t i = 0; i < kRoutes; i += 2) {
                faults.push_back({.message = 20 + i, .error = EEXIST});
              }
              host.transport().ArmAll(faults);
              const Status done = host.Apply(ManyRoutes());
              if (done || !host.transport().fired()) return "the faults went unnoticed";
              if (!done.error().rollback->complete()) return Text(done).substr(0, 2000);
              if (done.error().rollback->undone < kRoutes / 2) return "too little was done";
              return DifferenceOf(before, host.State()).substr(0, 2000);
            }),
            "");
}

}  // namespace
}  // namespace wgnet::testing
