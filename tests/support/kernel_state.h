// SPDX-License-Identifier: MIT OR Apache-2.0
// The state of a network namespace as text, read by means of its own: links, addresses, routes of
// all tables, rules, the nftables ruleset, WireGuard devices, and sysctls. Counters, times, handles
// and the order of routes are left out.
#ifndef WGNET_TESTS_SUPPORT_KERNEL_STATE_H_
#define WGNET_TESTS_SUPPORT_KERNEL_STATE_H_

#include <set>
#include <string>

namespace wgnet::testing {

std::string ReadKernelState();

/// Whether an IPv6 address is still being checked for duplicates: its routes come later.
bool HasTentativeAddress();

/// The lines of a state, but for those of settings.
std::set<std::string> ObjectsOf(const std::string& state);

/// The lines of `before` that are not there any more, each with "lost" before it; settings do not
/// count.
std::string LostFrom(const std::string& before, const std::string& after);

/// The lines that only one of two states has, each with - or + before it.
std::string DifferenceOf(const std::string& before, const std::string& after);

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_KERNEL_STATE_H_
