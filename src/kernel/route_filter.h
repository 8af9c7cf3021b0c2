// SPDX-License-Identifier: MIT OR Apache-2.0
// Keeps routes of others out of a socket before they cost anything: a router may change thousands
// of them in a second.
#ifndef WGNET_KERNEL_ROUTE_FILTER_H_
#define WGNET_KERNEL_ROUTE_FILTER_H_

#include <linux/filter.h>

#include <span>
#include <vector>

#include "src/kernel/route.h"

namespace wgnet::kernel {

/// A program for SO_ATTACH_FILTER that passes, of the messages about routes, those that may change
/// one of `ours`:
///  - a route with the protocol of one of ours, since deleting a route tells its protocol;
///  - a route that has taken another's place (NLM_F_REPLACE; then no deletion is told), with a
///    family, table and prefix length of ours and a destination near one of ours.
/// All other messages pass.
std::vector<sock_filter> RouteFilter(std::span<const Route> ours);

}  // namespace wgnet::kernel

#endif  // WGNET_KERNEL_ROUTE_FILTER_H_
