// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/scenario.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace wgnet::testing {

std::vector<Scenario> Scenarios() {
  return {
      {"ClientApply", {}, ClientNode()},
      {"ClientDelete", ClientNode(), {}},
      {"ServerApply", {}, ServerNode()},
      {"ServerDelete", ServerNode(), {}},
      {"LargeApply", {}, LargeNode()},
      {"LargeChange", LargeNode(), ChangedNode()},
      {"LargeDelete", ChangedNode(), {}},
      {"SwappedKeys", KeyNode("a", "b"), KeyNode("b", "a")},
      {"RotatedKey", KeyNode("a", "b"), KeyNode("a", "c")},
      {"Renamed", PortNode({{"wg0", 1000}}), PortNode({{"wg1", 1000}})},
      {"SwappedPorts", PortNode({{"wg0", 1000}, {"wg1", 2000}}),
       PortNode({{"wg0", 2000}, {"wg1", 1000}, {"wg2", 3000}})},
  };
}

std::map<std::string, std::string> Files(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file() || entry.path().filename() == "lock") continue;
    std::ifstream in(entry.path());
    files[entry.path()] = std::string(std::istreambuf_iterator<char>(in), {});
  }
  return files;
}

std::string InScenario(const Scenario& scenario,
                       const std::function<std::string(Host&, const Node&)>& body) {
  constexpr int kSeconds = 300;  // a guest is slow
  const auto run = [&]() -> std::string {
    const TemporaryDirectory state;
    MakeUplink("eth0", "192.168.5.1/24");
    std::ofstream("/proc/sys/net/ipv4/conf/eth0/rp_filter") << 1;
    Host host("owner", state.path());
    if (Status status = host.Apply(scenario.before); !status) {
      return "before: " + status.error().ToString();
    }
    return body(host, scenario.after);
  };
  return InNewNamespace(run, kSeconds);
}

bool HasFile(const Host& host, std::string_view suffix) {
  const auto files = Files(host.state_dir());
  return std::any_of(files.begin(), files.end(),
                     [&](const auto& file) { return file.first.ends_with(suffix); });
}

}  // namespace wgnet::testing
