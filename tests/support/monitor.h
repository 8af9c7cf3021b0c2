// SPDX-License-Identifier: MIT OR Apache-2.0
// Hears what the kernel tells of changes in this network namespace.
#ifndef WGNET_TESTS_SUPPORT_MONITOR_H_
#define WGNET_TESTS_SUPPORT_MONITOR_H_

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace wgnet::testing {

/// Listens from its making on: links, addresses, routes, rules and netconf of both families, and
/// nftables.
class Monitor {
 public:
  Monitor();
  ~Monitor();
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  /// Why it cannot hear everything; empty if it can.
  const std::string& error() const { return error_; }
  /// What was heard since the last call, one line for each event: what it is about, and its bytes.
  /// Waits until it has been quiet for a moment.
  std::vector<std::string> Events();

 private:
  void Listen(int& fd, int protocol, const std::vector<int>& groups);

  int route_ = -1;
  int netfilter_ = -1;
  std::string error_;
};

/// The first words of events: what they are about.
std::set<std::string> KindsOf(const std::vector<std::string>& events);

/// The number that changes with every change of the ruleset; 0 where it cannot be read.
uint32_t NftGeneration();

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_MONITOR_H_
