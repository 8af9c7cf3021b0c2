// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_PLAN_NODE_NUMBER_H_
#define WGNET_PLAN_NODE_NUMBER_H_

#include <cstdint>

#include "wgnet/node.h"

namespace wgnet::plan {

/// The same for every node that states the same, keys included; never 0.
uint64_t NumberOf(const Node& node);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_NODE_NUMBER_H_
