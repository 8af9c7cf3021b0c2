// SPDX-License-Identifier: MIT OR Apache-2.0
// A node that is in place already: applying it again sends nothing, writes nothing, and nobody
// who listens to the kernel hears of it.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "tests/support/kernel_state.h"
#include "tests/support/monitor.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

struct Case {
  std::string name;
  std::vector<Node> nodes;  // applied one after the other; the last, again
  // Some of what must be heard at first, or the silence means nothing.
  std::set<std::string> heard;
};

std::vector<Case> Cases() {
  const std::set<std::string> basic = {"link", "address-v4", "netconf-v4", "nft-0", "nft-3"};
  std::set<std::string> tunnel = basic;
  tunnel.insert({"route-v4", "rule-v4"});
  std::set<std::string> all = tunnel;
  all.insert({"address-v6", "route-v6", "rule-v6", "netconf-v6", "nft-9", "nft-12"});
  return {{"Client", {ClientNode()}, tunnel},
          {"Server", {ServerNode()}, basic},
          {"Large", {LargeNode()}, all},
          {"Changed", {LargeNode(), ChangedNode()}, all}};
}

// Every file's inode, size and times of change, to the nanosecond. The lock is written each time.
std::map<std::string, std::string> FilesIn(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    struct stat info {};
    if (!entry.is_regular_file() || entry.path().filename() == "lock") continue;
    stat(entry.path().c_str(), &info);
    files[entry.path()] =
        fmt::format("{} {} {}.{:09} {}.{:09}", info.st_ino, info.st_size, info.st_mtim.tv_sec,
                    info.st_mtim.tv_nsec, info.st_ctim.tv_sec, info.st_ctim.tv_nsec);
  }
  return files;
}

// Applies the case's nodes; returns what was heard of it, or why it failed.
Result<std::set<std::string>> ApplyFirst(const Case& test, Host& host) {
  Monitor monitor;
  if (!monitor.error().empty()) return Error{.message = monitor.error()};
  for (const Node& node : test.nodes) {
    if (Status status = host.Apply(node); !status) return status.error();
  }
  host.State();  // waits until nothing moves
  return KindsOf(monitor.Events());
}

// Applies the last node again, by both ways; says what happened, which is nothing.
std::string ApplyAgain(const Node& node, Host& host, const std::string& state_dir) {
  const std::string before = host.State();
  const auto files = FilesIn(state_dir);
  const uint32_t generation = NftGeneration();
  Monitor monitor;
  host.transport().Arm({});
  for (const Status& status : {host.Apply(node), host.ApplyOnce(node)}) {
    if (!status) return status.error().ToString();
  }
  std::string complaint;
  if (files.empty()) complaint += "there is no record\n";
  if (generation == 0) complaint += "there is no ruleset\n";
  if (host.transport().messages() != 0) {
    complaint += fmt::format("{} messages were sent\n", host.transport().messages());
  }
  if (FilesIn(state_dir) != files) complaint += "a file was written\n";
  if (NftGeneration() != generation) complaint += "the ruleset has a new generation\n";
  for (const std::string& event : monitor.Events()) complaint += "heard: " + event + "\n";
  return complaint + DifferenceOf(before, host.State());
}

std::string ApplyTwice(const Case& test) {
  const TemporaryDirectory state;
  MakeUplink("eth0", "192.168.5.1/24");
  std::ofstream("/proc/sys/net/ipv4/conf/eth0/rp_filter") << 1;
  Host host("owner", state.path());
  const auto heard = ApplyFirst(test, host);
  if (!heard) return heard.error().ToString();
  for (const std::string& kind : test.heard) {
    if (!heard->contains(kind)) return "at first, nothing was heard of " + kind;
  }
  return ApplyAgain(test.nodes.back(), host, state.path());
}

class TwiceIsNothing : public ::testing::TestWithParam<Case> {};

TEST_P(TwiceIsNothing, ForKernelFilesAndListeners) {
  EXPECT_EQ(InNewNamespace([] { return ApplyTwice(GetParam()); }), "");
}

INSTANTIATE_TEST_SUITE_P(, TwiceIsNothing, ::testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace wgnet::testing
