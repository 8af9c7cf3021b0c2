// SPDX-License-Identifier: MIT OR Apache-2.0
// Runs a piece of a test where userspace implementations of WireGuard can serve links: with a
// private /run for their sockets, and processes that end with it.
#ifndef WGNET_TESTS_SUPPORT_USERSPACE_WORLD_H_
#define WGNET_TESTS_SUPPORT_USERSPACE_WORLD_H_

#include <functional>
#include <string>

namespace wgnet::testing {

/// As InNewNamespace, with process and mount namespaces of its own besides.
std::string InUserspaceWorld(const std::function<std::string()>& body, int seconds = 60);

/// The process that serves the interface in this network namespace; 0: none.
int ProgramOf(const std::string& interface);

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_USERSPACE_WORLD_H_
