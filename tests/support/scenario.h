// SPDX-License-Identifier: MIT OR Apache-2.0
// The changes that fault tests break.
#ifndef WGNET_TESTS_SUPPORT_SCENARIO_H_
#define WGNET_TESTS_SUPPORT_SCENARIO_H_

#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "wgnet/node.h"

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

/// What a scenario finds in its namespace: an uplink with a strict reverse path filter.
void PrepareNamespace();

/// The contents of all files in a directory but the lock.
std::map<std::string, std::string> Files(const std::string& directory);

/// Whether all cases are to be run, and not a sample.
bool Full();

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_SCENARIO_H_
