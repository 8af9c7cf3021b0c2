// SPDX-License-Identifier: MIT OR Apache-2.0
// The changes that fault tests break.
#ifndef WGNET_TESTS_SUPPORT_SCENARIO_H_
#define WGNET_TESTS_SUPPORT_SCENARIO_H_

#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/world.h"

namespace wgnet::testing {

struct Scenario {
  std::string name;
  Node before;
  Node after;
};
inline std::ostream& operator<<(std::ostream& out, const Scenario& scenario) {
  return out << scenario.name;
}

std::vector<Scenario> Scenarios();

/// Runs `body` in a namespace with an uplink that has a strict reverse path filter, where an owner,
/// `host`, has the scenario's node before; `after` is the other one. Returns as InNewNamespace
/// does.
std::string InScenario(const Scenario& scenario,
                       const std::function<std::string(Host& host, const Node& after)>& body);

/// The contents of all files in a directory but the lock.
std::map<std::string, std::string> Files(const std::string& directory);
/// Whether the host's state directory has a file whose name ends like this.
bool HasFile(const Host& host, std::string_view suffix);

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_SCENARIO_H_
