// SPDX-License-Identifier: MIT OR Apache-2.0
// Who excludes whom: the lock is one of a directory, whatever it is called; and nobody but root can
// hold it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "src/plan/state_dir.h"
#include "tests/support/sandbox.h"

namespace wgnet::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr uid_t kNobody = 65534;

// What a process says that first does `prepare`, and then asks for the lock in the directory.
std::string AskFor(const std::string& directory, const std::function<bool()>& prepare) {
  return InNewNamespace([&]() -> std::string {
    if (!prepare()) return std::string("cannot prepare: ") + std::strerror(errno);
    const auto state = plan::StateDir::Open(directory, "test");
    if (!state) return state.error().ToString();
    const auto lock = state->Lock(milliseconds(0));
    return lock ? "" : lock.error().ToString();
  });
}

bool Alone() { return true; }

bool InOwnMountNamespace() {
  return unshare(CLONE_NEWNS) == 0 && mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

class LockScope : public ::testing::Test {
 protected:
  TemporaryDirectory one_;
  TemporaryDirectory two_;
  plan::StateDir state_ = *plan::StateDir::Open(one_.path(), "test");
};

TEST_F(LockScope, TheHolderIsNamed) {
  const auto held = state_.Lock(milliseconds(0));
  ASSERT_TRUE(held.ok());
  EXPECT_THAT(AskFor(one_.path(), Alone),
              HasSubstr("process " + std::to_string(getpid()) + " is changing"));
}

TEST_F(LockScope, ReachesOtherMountNamespacesThatSeeTheDirectory) {
  const auto held = state_.Lock(milliseconds(0));
  ASSERT_TRUE(held.ok());
  EXPECT_THAT(AskFor(two_.path(),
                     [&] {
                       return InOwnMountNamespace() &&
                              mount(one_.path().c_str(), two_.path().c_str(), nullptr, MS_BIND,
                                    nullptr) == 0;
                     }),
              HasSubstr("is changing this network namespace"));
}

// As a container does that has a /run of its own.
TEST_F(LockScope, EndsWhereAnotherDirectoryHasItsName) {
  const auto held = state_.Lock(milliseconds(0));
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(AskFor(one_.path(),
                   [&] {
                     return InOwnMountNamespace() &&
                            mount("none", one_.path().c_str(), "tmpfs", 0, "mode=700") == 0;
                   }),
            "");
}

TEST_F(LockScope, NobodyElseCanHoldIt) {
  ASSERT_TRUE(state_.Lock(milliseconds(0)).ok());
  const std::string path = one_.path() + "/test/lock";
  EXPECT_EQ(InNewNamespace([&]() -> std::string {
              if (setuid(kNobody) != 0) return "setuid";
              for (const char* name : {path.c_str(), one_.path().c_str()}) {
                const int fd = open(name, O_RDONLY);
                if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) return std::string(name);
              }
              return "";
            }),
            "");
  EXPECT_EQ(AskFor(one_.path(), Alone), "");
}

}  // namespace
}  // namespace wgnet::testing
