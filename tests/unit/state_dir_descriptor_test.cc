// SPDX-License-Identifier: MIT OR Apache-2.0
// The state directory's descriptors: none is left open, and none is inherited by a program that
// another thread starts.
#include "src/plan/state_dir.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

#include "tests/support/sandbox.h"

namespace {

bool fail_listing = false;
int listed_flags = -1;  // FD_CLOEXEC or not, of the descriptor that is listed

}  // namespace

// Stands before the C library's.
extern "C" DIR* fdopendir(int fd) {
  using Function = DIR* (*)(int);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "fdopendir"));
  if (fail_listing) {
    errno = ENOMEM;
    return nullptr;
  }
  listed_flags = fcntl(fd, F_GETFD);
  return real(fd);
}

namespace wgnet::plan {
namespace {

size_t OpenDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

TEST(StateDirDescriptorTest, LoadListsThroughADescriptorThatIsNotInherited) {
  const testing::TemporaryDirectory directory;
  const auto state = StateDir::Open(directory.path(), "netns");
  ASSERT_TRUE(state);
  listed_flags = -1;
  const size_t before = OpenDescriptors();
  ASSERT_TRUE(state->Load());
  EXPECT_EQ(listed_flags, FD_CLOEXEC);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(StateDirDescriptorTest, LoadLeavesNoDescriptorWhenItCannotList) {
  const testing::TemporaryDirectory directory;
  const auto state = StateDir::Open(directory.path(), "netns");
  ASSERT_TRUE(state);
  const size_t before = OpenDescriptors();
  fail_listing = true;
  const auto records = state->Load();
  fail_listing = false;
  ASSERT_FALSE(records);
  EXPECT_EQ(records.error().code, ErrorCode::kState);
  EXPECT_EQ(records.error().error_number, ENOMEM);
  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace wgnet::plan
