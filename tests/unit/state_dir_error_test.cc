// SPDX-License-Identifier: MIT OR Apache-2.0
// What a file system refuses is told, with what to do, and leaves the files as they were.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>

#include "src/plan/state_dir.h"
#include "tests/support/sandbox.h"

namespace wgnet::plan {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;
namespace fs = std::filesystem;

const std::string kPath = "/run/wgnet-state-test-" + std::to_string(getpid());

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kPath + "/net")) {
    names.push_back(entry.path().filename());
  }
  return names;
}

// A state directory with a record of "a", on a file system of its own with room for four pages.
std::string OnSmallDisk(const std::function<void(const StateDir&)>& body) {
  return wgnet::testing::InNewNamespace([&]() -> std::string {
    fs::create_directory(kPath);
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("tmpfs", kPath.c_str(), "tmpfs", 0, "size=16k,mode=0700") != 0) {
      return "cannot mount";
    }
    const auto dir = StateDir::Open(kPath, "net");
    if (!dir) return dir.error().ToString();
    auto record = dir->Prepare({.owner = "a", .objects = {kernel::Link()}});
    if (!record || record->Commit() != 0) return "cannot write a record";
    body(*dir);
    return "";
  });
}

class StateDirErrorTest : public ::testing::Test {
 protected:
  ~StateDirErrorTest() override { rmdir(kPath.c_str()); }
};

void FillUp() {
  std::ofstream filler(kPath + "/filler");
  filler << std::string(16384, 'x') << std::flush;
}

void ReadOnly() { mount("", kPath.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr); }

template <class T>
void ExpectError(const T& result, std::string_view message, int error_number,
                 std::string_view hint) {
  ASSERT_FALSE(result.ok());
  const Error& error = result.error();
  EXPECT_EQ(error.code, ErrorCode::kState) << error;
  EXPECT_EQ(error.error_number, error_number) << error;
  EXPECT_THAT(error.message, HasSubstr(std::string(message)));
  EXPECT_THAT(error.hint, HasSubstr(std::string(hint)));
}

constexpr char kNeedsRoom[] = "with room to write to";
constexpr char kSee[] = "that can be written to";

Journal EmptyJournal() { return {.owner = "b", .transaction = 5}; }

TEST_F(StateDirErrorTest, NoRoomIsTold) {
  EXPECT_EQ(
      OnSmallDisk([](const StateDir& dir) {
        std::ofstream(kPath + "/net/c.journal");
        std::ofstream(kPath + "/net/c.pending");
        FillUp();
        const Record record{.owner = "b", .objects = {kernel::Link()}};
        ExpectError(dir.Prepare(record), R"(cannot write "b.record.new")", ENOSPC, kNeedsRoom);
        ExpectError(dir.Begin(EmptyJournal()), R"(cannot write "b.journal.new")", ENOSPC,
                    kNeedsRoom);
        ExpectError(dir.MarkJournal("c", 1), R"(cannot write "c.journal")", ENOSPC, kNeedsRoom);
        ExpectError(dir.MarkPending("c", {}), R"(cannot write "c.pending")", ENOSPC, kNeedsRoom);
        ExpectError(dir.Lock(milliseconds(0)), "cannot write the lock in", ENOSPC, kNeedsRoom);
        EXPECT_THAT(Names(), UnorderedElementsAre("a.record", "c.journal", "c.pending", "lock"));
      }),
      "");
}

TEST_F(StateDirErrorTest, AReadOnlyDiskIsTold) {
  EXPECT_EQ(OnSmallDisk([](const StateDir& dir) {
              std::ofstream(kPath + "/net/c.journal");
              ReadOnly();
              ExpectError(dir.Begin(EmptyJournal()), R"(cannot write "b.journal.new")", EROFS,
                          kNeedsRoom);
              ExpectError(dir.MarkJournal("c", 1), R"(cannot open "c.journal")", EROFS, kNeedsRoom);
              ExpectError(dir.RemoveJournal("c"), R"(cannot remove "c.journal")", EROFS,
                          kNeedsRoom);
              ExpectError(dir.Lock(milliseconds(0)), "cannot open the lock in", EROFS, kNeedsRoom);
              ExpectError(StateDir::Open(kPath, "other"),
                          R"(cannot make the state directory "other")", EROFS, kNeedsRoom);
              auto gone = dir.Prepare({.owner = "a"});
              ASSERT_TRUE(gone);
              EXPECT_EQ(gone->Commit(), EROFS);
              EXPECT_THAT(Names(), UnorderedElementsAre("a.record", "c.journal"));
            }),
            "");
}

TEST_F(StateDirErrorTest, AFolderWhereAFileBelongsIsTold) {
  EXPECT_EQ(OnSmallDisk([](const StateDir& dir) {
              fs::create_directories(kPath + "/net/b.journal");
              fs::create_directories(kPath + "/net/b.pending");
              fs::create_directories(kPath + "/net/b.record");
              ExpectError(dir.Begin(EmptyJournal()), R"(cannot write "b.journal")", EISDIR, kSee);
              ExpectError(dir.RemoveJournal("b"), R"(cannot remove "b.journal")", EISDIR, kSee);
              ExpectError(dir.LoadJournals(), "no file", 0, "");
              auto journal = dir.Begin({.owner = "a", .transaction = 5});
              ASSERT_TRUE(journal);
              EXPECT_EQ(journal->Keep({}), 0);
              auto record = dir.Prepare({.owner = "b", .objects = {kernel::Link()}});
              ASSERT_TRUE(record);
              EXPECT_EQ(record->Commit(), EISDIR);
            }),
            "");
}

TEST_F(StateDirErrorTest, WhatIsTooLargeIsNotRead) {
  EXPECT_EQ(OnSmallDisk([](const StateDir& dir) {
              const std::string name = kPath + "/net/b.record";
              std::ofstream(name).put('x');
              ASSERT_EQ(truncate(name.c_str(), off_t{1} << 40), 0);
              ExpectError(dir.Load(), R"(cannot read "b.record")", EFBIG, kSee);
              fs::remove(name);
              ASSERT_EQ(mkfifo(name.c_str(), 0600), 0);
              ExpectError(dir.Load(), R"("b.record" is no file)", 0, kSee);
            }),
            "");
}

TEST_F(StateDirErrorTest, AJournalThatNobodyWasToConfirmDoesNotWait) {
  EXPECT_EQ(OnSmallDisk([](const StateDir& dir) {
              auto journal = dir.Begin(EmptyJournal());
              ASSERT_TRUE(journal);
              fs::rename(kPath + "/net/b.journal", kPath + "/net/b.pending");
              ExpectError(dir.LoadPending(), "nobody was asked to confirm it", 0, "recover");
            }),
            "");
}

TEST_F(StateDirErrorTest, ADirectoryThatCannotBeWatchedIsTold) {
  EXPECT_EQ(OnSmallDisk([](const StateDir& dir) {
              ASSERT_EQ(mount("tmpfs", "/proc", "tmpfs", 0, nullptr), 0);
              ExpectError(dir.Watch(), "cannot watch", ENOENT, "must exist");
              EXPECT_EQ(umount("/proc"), 0);
            }),
            "");
}

TEST_F(StateDirErrorTest, WhoIsNotRootIsToldSo) {
  EXPECT_EQ(OnSmallDisk([](const StateDir&) {
              ASSERT_EQ(seteuid(65534), 0);
              ExpectError(StateDir::Open(kPath, "net"), "", EACCES, "run it as root");
              ASSERT_EQ(seteuid(0), 0);
            }),
            "");
}

}  // namespace
}  // namespace wgnet::plan
