// SPDX-License-Identifier: MIT OR Apache-2.0
// /proc/sys is read-only, as in containers: settings that are right already are no hindrance, and
// one that is wrong is named with the value that it must have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/kernel_state.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

using ::testing::HasSubstr;

using Settings = std::vector<std::pair<std::string, std::string>>;

bool MakeSettingsReadOnly() {
  return unshare(CLONE_NEWNS) == 0 && mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("/proc/sys", "/proc/sys", nullptr, MS_BIND, nullptr) == 0 &&
         mount("", "/proc/sys", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0;
}

// "" when the node came up, and went; else why not. A failure must leave the state as it was.
std::string UpAndDown(const Node& node, const Settings& settings) {
  return InNewNamespace([&]() -> std::string {
    const TemporaryDirectory state;
    MakeUplink("eth0", "192.168.5.1/24");
    for (const auto& [name, value] : settings) std::ofstream("/proc/sys/net/" + name) << value;
    Host host("owner", state.path());
    const std::string before = host.State();
    if (!MakeSettingsReadOnly()) return "the test cannot mount";
    const Status up = host.Apply(node);
    const Status down = up ? host.Apply(Node()) : Status();
    const std::string difference = DifferenceOf(before, host.State());
    if (!difference.empty()) return "left:\n" + difference;
    return !up ? up.error().ToString() : !down ? down.error().ToString() : "";
  });
}

TEST(ReadOnlySettingsTest, ThatAreRightAreNoHindrance) {
  const Settings right = {{"ipv4/conf/all/send_redirects", "0"},
                          {"ipv4/conf/eth0/forwarding", "1"}};
  EXPECT_EQ(UpAndDown(ServerNode(), right), "");
  EXPECT_EQ(UpAndDown(ClientNode(), right), "");
}

TEST(ReadOnlySettingsTest, OneThatIsWrongIsNamed) {
  EXPECT_THAT(UpAndDown(ClientNode(), {{"ipv4/conf/all/send_redirects", "1"}}),
              HasSubstr("net/ipv4/conf/all/send_redirects must be 0 and cannot be written: "
                        "Read-only file system"));
  EXPECT_THAT(UpAndDown(ServerNode(), {{"ipv4/conf/all/send_redirects", "0"},
                                       {"ipv4/conf/eth0/forwarding", "0"}}),
              HasSubstr("net/ipv4/conf/eth0/forwarding must be 1 and cannot be written"));
}

}  // namespace
}  // namespace wgnet::testing
