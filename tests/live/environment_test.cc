// SPDX-License-Identifier: MIT OR Apache-2.0
// Where a node cannot be had: the error has a code, a message and a hint of its own, and nothing
// was changed.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "tests/support/kernel_state.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

struct Expected {
  ErrorCode code;
  std::vector<std::string> words;  // in the message or the hint
};

std::string CheckError(const Status& status, const Expected& expected) {
  if (status) return "it worked";
  const Error& error = status.error();
  if (error.code != expected.code) {
    return fmt::format("{}: {}", ErrorCodeName(error.code), error.ToString());
  }
  if (error.message.empty() || error.hint.empty()) return "no hint: " + error.ToString();
  if (error.rollback && !error.rollback->complete()) return "left over: " + error.ToString();
  for (const std::string& word : expected.words) {
    const std::string text = error.message + "\n" + error.hint;
    if (text.find(word) == text.npos) return word + " is not said: " + text;
  }
  return "";
}

size_t RecordsIn(const std::string& directory) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    count += entry.is_regular_file() && entry.path().filename() != "lock";
  }
  return count;
}

// Opens a host where it may do nothing, and applies a node; then all is as before.
std::string InPlaceOf(const std::function<void()>& spoil, const Node& node,
                      const Expected& expected) {
  const TemporaryDirectory directory;
  MakeUplink("eth0", "192.168.5.1/24");
  Host watcher("watcher", directory.path());
  const std::string before = watcher.State();
  spoil();
  Host host("owner", directory.path());
  const std::string complaint = CheckError(host.Apply(node), expected);
  if (!complaint.empty()) return complaint;
  if (RecordsIn(directory.path()) != 0) return "there is a record";
  return DifferenceOf(before, watcher.State());
}

Node LinkNode() {
  Node node;
  return node.Add(Interface("wg0")
                      .PrivateKey("+GLDb5QQOHQ2QKWvuFS/4FiWpnivaxzwlm0QmFJIHV8=")
                      .ListenPort(51820)
                      .Address("10.9.0.1/24"));
}

// ---- capabilities ----

void DropNetAdmin() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  syscall(SYS_capget, &header, data);
  data[0].effective &= ~(1u << CAP_NET_ADMIN);
  data[0].permitted &= ~(1u << CAP_NET_ADMIN);
  data[0].inheritable = 0;
  if (syscall(SYS_capset, &header, data) != 0) _exit(95);
}

// Root there, and nobody in the namespace that owns the network namespace.
void EnterUserNamespace() {
  const uid_t user = geteuid();
  if (unshare(CLONE_NEWUSER) != 0) _exit(94);
  std::ofstream("/proc/self/uid_map") << fmt::format("0 {} 1", user);
  if (geteuid() != 0) _exit(93);
}

TEST(Environment, WithoutTheCapability) {
  const Expected expected = {ErrorCode::kPermission, {"no CAP_NET_ADMIN", "as root"}};
  for (const Node& node : {LinkNode(), ServerNode(), ClientNode()}) {
    EXPECT_EQ(InNewNamespace([&] { return InPlaceOf(DropNetAdmin, node, expected); }), "");
  }
}

TEST(Environment, WithTheCapabilityInAnotherUserNamespace) {
  const Expected expected = {ErrorCode::kPermission, {"has CAP_NET_ADMIN", "user namespace"}};
  for (const Node& node : {LinkNode(), ServerNode(), ClientNode()}) {
    EXPECT_EQ(InNewNamespace([&] { return InPlaceOf(EnterUserNamespace, node, expected); }), "");
  }
}

// ---- names and ports ----

// Tries with a host whose messages are counted.
std::string TryWith(const std::string& commands, const Node& node, const Expected& expected) {
  const TemporaryDirectory directory;
  MakeUplink("eth0", "192.168.5.1/24");
  Host host("owner", directory.path());
  if (const std::string output = Shell(commands); !output.empty()) return output;
  const std::string before = host.State();
  const std::string complaint = CheckError(host.Apply(node), expected);
  if (!complaint.empty()) return complaint;
  if (RecordsIn(directory.path()) != 0) return "there is a record";
  return DifferenceOf(before, host.State());
}

TEST(Environment, WhereTheNameIsTaken) {
  const Expected expected = {ErrorCode::kNameTaken, {"wg0", "owner", "another name"}};
  EXPECT_EQ(InNewNamespace([&] {
              return TryWith("ip link add wg0 type ifb && ip address add 10.1.1.1/24 dev wg0",
                             LinkNode(), expected);
            }),
            "");
}

TEST(Environment, WhereTheNameIsTakenByAWireguardLinkOfSomebodyElse) {
  const Expected expected = {ErrorCode::kNameTaken, {"wg0", "owner", "another name"}};
  const std::string kind = InGuest() ? "wireguard" : "ifb";
  EXPECT_EQ(InNewNamespace([&] {
              return TryWith("ip link add wg0 group 2003267188 alias wgnet:owner type " + kind,
                             LinkNode(), expected);
            }),
            "");
}

}  // namespace
}  // namespace wgnet::testing
