// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/node_number.h"

#include <gtest/gtest.h>

#include "tests/support/world.h"

namespace wgnet::plan {
namespace {

using wgnet::testing::TestKey;

Node NodeOf(const std::optional<SecretKey>& own, const std::optional<SecretKey>& shared) {
  Interface wg0("wg0");
  Peer peer(TestKey("peer").Public());
  if (own) wg0.PrivateKey(*own);
  if (shared) peer.PresharedKey(*shared);
  return Node().Add(wg0.AddPeer(peer));
}

TEST(NumberOf, IsTheSameForTheSameOnly) {
  const std::vector<Node> nodes = {
      Node(),
      NodeOf({}, {}),
      NodeOf(TestKey("a"), {}),
      NodeOf({}, TestKey("a")),
      NodeOf(TestKey("a"), TestKey("b")),
      NodeOf(TestKey("b"), TestKey("a")),
      NodeOf(TestKey("a"), {}).Add(NatRule::Masquerade().Source("10.0.0.0/8")),
  };
  for (size_t i = 0; i < nodes.size(); ++i) {
    EXPECT_NE(NumberOf(nodes[i]), 0);
    for (size_t j = 0; j < nodes.size(); ++j) {
      EXPECT_EQ(NumberOf(nodes[i]) == NumberOf(nodes[j]), i == j) << i << " " << j;
    }
    EXPECT_EQ(NumberOf(Node(nodes[i])), NumberOf(nodes[i]));
  }
}

}  // namespace
}  // namespace wgnet::plan
