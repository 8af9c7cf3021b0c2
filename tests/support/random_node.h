// SPDX-License-Identifier: MIT OR Apache-2.0
// Nodes at random, with every option of every builder.
#ifndef WGNET_TESTS_SUPPORT_RANDOM_NODE_H_
#define WGNET_TESTS_SUPPORT_RANDOM_NODE_H_

#include <random>

#include "wgnet/node.h"

namespace wgnet::testing {

using Random = std::mt19937_64;

/// From 0 to `below` - 1.
int Pick(Random& random, int below);
/// In `percent` of all cases.
bool Chance(Random& random, int percent);

/// One that can be applied beside an uplink with the network 192.168.5.0/24: numbers and prefixes
/// do not collide, and nobody else has them. The same for the same state of `random`.
Node RandomNode(Random& random);

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_RANDOM_NODE_H_
