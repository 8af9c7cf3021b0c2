// SPDX-License-Identifier: MIT OR Apache-2.0
// A transaction keeps each setting open that it writes; a process may have too few descriptors.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>

#include "tests/support/kernel_state.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

void LimitFiles(rlim_t most) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = most;
  setrlimit(RLIMIT_NOFILE, &limit);
}

Node ForwardingNode() {
  Node node;
  node.Add(Interface("wg0").PrivateKey(TestKey("wg0")).Address("fd00::1/64"));
  node.Add(ForwardRule().Between("wg0", "eth*"));
  return node;
}

// Says what is wrong with an attempt that may have so many files; empty also when it succeeds.
std::string ApplyWith(rlim_t files, const Node& node, Host& host, bool& done) {
  host.transport().Arm({});
  LimitFiles(files);
  const Status status = host.ApplyOnce(node);
  LimitFiles(1024);
  done = status.ok();
  if (done) return "";
  const Error& error = status.error();
  if (error.rollback || host.transport().messages() != 0) return "changed: " + error.ToString();
  if (error.error_number != EMFILE) return "another error: " + error.ToString();
  if (error.code == ErrorCode::kState) return "";  // of a record
  const bool hint = error.hint.find("ulimit -n") != std::string::npos;
  return error.code == ErrorCode::kKernel && hint ? "" : "said badly: " + error.ToString();
}

// Allows one file more at a time until the node can be applied.
std::string ApplyWithFewest(const Node& node, Host& host) {
  constexpr rlim_t kTooFew = 16;
  bool done = false;
  rlim_t files = kTooFew;
  for (; !done && files < 200; ++files) {
    const std::string failure = ApplyWith(files, node, host, done);
    if (!failure.empty()) return fmt::format("{} files: {}", files, failure);
  }
  return done && files > kTooFew + 10 ? "" : "the limit was not met";
}

std::string RunOutOfFiles() {
  for (char last = 'a'; last <= 'z'; ++last) {
    MakeUplink(std::string("eth") + last, fmt::format("192.168.{}.1/24", int{last}));
  }
  const TemporaryDirectory state;
  Host host("owner", state.path());
  const std::string before = host.State();
  const std::string made = ApplyWithFewest(ForwardingNode(), host);
  if (!made.empty()) return made;
  const std::string removed = ApplyWithFewest({}, host);
  if (!removed.empty()) return "removal with " + removed;
  return DifferenceOf(before, host.State());
}

TEST(OpenFiles, TooFewForAllSettingsAreSaidBeforeAnythingIsChanged) {
  EXPECT_EQ(InNewNamespace(RunOutOfFiles), "");
}

}  // namespace
}  // namespace wgnet::testing
