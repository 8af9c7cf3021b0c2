// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/state_dir.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "tests/support/object_cases.h"
#include "tests/support/sandbox.h"

namespace wgnet::plan {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
namespace fs = std::filesystem;

class StateDirTest : public ::testing::Test {
 protected:
  std::string Path(std::string_view name = "") const {
    return temporary_.path() + "/state" + std::string(name);
  }
  StateDir Open() const { return *StateDir::Open(Path(), "net"); }
  Error OpenError() const {
    const auto opened = StateDir::Open(Path(), "net");
    return opened ? Error{.message = "no error"} : opened.error();
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(Path("/net"))) {
      files.push_back(entry.path().filename());
    }
    return files;
  }
  static mode_t ModeOf(const std::string& path) {
    struct stat info;
    return stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
  }
  // Commits a record with something in it.
  static int Save(const StateDir& dir, const std::string& owner) {
    auto pending = dir.Prepare({.owner = owner, .objects = {kernel::Link()}});
    return pending ? pending->Commit() : pending.error().error_number;
  }

  wgnet::testing::TemporaryDirectory temporary_;
};

void ExpectState(const Error& error, std::string_view message) {
  EXPECT_EQ(error.code, ErrorCode::kState) << error;
  EXPECT_THAT(error.message, HasSubstr(std::string(message)));
  EXPECT_FALSE(error.where.empty());
  EXPECT_FALSE(error.hint.empty());
}

TEST_F(StateDirTest, IsMadeForThisUserAlone) {
  const mode_t before = umask(0);
  const StateDir dir = Open();
  umask(before);
  EXPECT_EQ(ModeOf(Path()), 0700u);
  EXPECT_EQ(ModeOf(Path("/net")), 0700u);
  EXPECT_EQ(Save(dir, "a"), 0);
  EXPECT_EQ(ModeOf(Path("/net/a.record")), 0600u);
  EXPECT_TRUE(StateDir::Open(Path(), "net").ok());
}

TEST_F(StateDirTest, OneThatOthersCanWriteToIsRefused) {
  for (const mode_t mode : {0770u, 0702u, 0777u, 01777u}) {
    fs::create_directories(Path("/net"));
    chmod(Path().c_str(), mode);
    ExpectState(OpenError(), "others can change it");
    chmod(Path().c_str(), 0700);
    chmod(Path("/net").c_str(), mode);
    ExpectState(OpenError(), "others can change it");
    chmod(Path("/net").c_str(), 0755);
    EXPECT_TRUE(StateDir::Open(Path(), "net").ok());
  }
}

TEST_F(StateDirTest, OneOfAnotherUserIsRefused) {
  fs::create_directories(Path("/net"));
  chmod(Path("/net").c_str(), 0700);
  chmod(Path().c_str(), 0700);
  ASSERT_EQ(chown(Path("/net").c_str(), 1, 1), 0) << "tests run as root";
  ExpectState(OpenError(), "others can change it");
}

TEST_F(StateDirTest, ALinkOrAFileIsRefused) {
  fs::create_directory(Path("-real"));
  fs::create_directory_symlink(Path("-real"), Path());
  ExpectState(OpenError(), "cannot open the state directory");
  fs::remove(Path());
  fs::create_directory(Path());
  chmod(Path().c_str(), 0700);
  fs::create_directory_symlink(Path("-real"), Path("/net"));
  ExpectState(OpenError(), "cannot open the state directory");
  fs::remove_all(Path());
  std::ofstream(Path()) << "x";
  ExpectState(OpenError(), "cannot open the state directory");
  EXPECT_TRUE(fs::is_empty(Path("-real")));
}

TEST_F(StateDirTest, OneWithoutAParentIsRefused) {
  const auto opened = StateDir::Open(Path("/a/b"), "net");
  ASSERT_FALSE(opened.ok());
  ExpectState(opened.error(), "cannot make the state directory");
}

// ---- records ----

TEST_F(StateDirTest, RecordsComeBackByOwner) {
  const StateDir dir = Open();
  EXPECT_THAT(*dir.Load(), IsEmpty());
  EXPECT_EQ(Save(dir, "wg-quick:wg0"), 0);
  EXPECT_EQ(Save(dir, "b"), 0);
  EXPECT_EQ(Save(dir, "b"), 0);
  std::vector<std::string> owners;
  const auto records = dir.Load();
  for (const Record& record : *records) owners.push_back(record.owner);
  EXPECT_THAT(owners, UnorderedElementsAre("wg-quick:wg0", "b"));
  EXPECT_THAT(Files(), UnorderedElementsAre("wg-quick:wg0.record", "b.record"));
}

TEST_F(StateDirTest, NamespacesAreApart) {
  const StateDir one = Open();
  EXPECT_EQ(Save(one, "a"), 0);
  EXPECT_THAT(*StateDir::Open(Path(), "other")->Load(), IsEmpty());
}

TEST_F(StateDirTest, AnEmptyRecordRemovesTheFile) {
  const StateDir dir = Open();
  EXPECT_EQ(dir.Prepare({.owner = "a"})->Commit(), 0);  // there is none
  EXPECT_EQ(Save(dir, "a"), 0);
  EXPECT_EQ(dir.Prepare({.owner = "a"})->Commit(), 0);
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(StateDirTest, ARecordThatIsNotCommittedLeavesNothing) {
  const StateDir dir = Open();
  EXPECT_EQ(Save(dir, "a"), 0);
  {
    const auto pending = dir.Prepare({.owner = "a", .objects = {kernel::Link(), kernel::Link()}});
    ASSERT_TRUE(pending.ok());
    EXPECT_THAT(Files(), UnorderedElementsAre("a.record", "a.record.new"));
    EXPECT_EQ(dir.Load()->size(), 1u);
  }
  EXPECT_THAT(Files(), UnorderedElementsAre("a.record"));
  EXPECT_EQ(dir.Load()->front().objects.size(), 1u);
}

TEST_F(StateDirTest, WhatACutOffProcessLeftIsWrittenOver) {
  const StateDir dir = Open();
  std::ofstream(Path("/net/a.record.new")) << "half a reco";
  EXPECT_THAT(*dir.Load(), IsEmpty());
  EXPECT_EQ(Save(dir, "a"), 0);
  EXPECT_THAT(Files(), UnorderedElementsAre("a.record"));
}

TEST_F(StateDirTest, ATemporaryFileThatIsALinkIsNotFollowed) {
  const StateDir dir = Open();
  std::ofstream(Path("-victim")) << "precious";
  fs::create_symlink(Path("-victim"), Path("/net/a.record.new"));
  const auto pending = dir.Prepare({.owner = "a", .objects = {kernel::Link()}});
  ASSERT_FALSE(pending.ok());
  ExpectState(pending.error(), "cannot write \"a.record.new\"");
  EXPECT_EQ(fs::file_size(Path("-victim")), 8u);
}

TEST_F(StateDirTest, ADamagedRecordStopsEverythingAndIsNamed) {
  const StateDir dir = Open();
  EXPECT_EQ(Save(dir, "a"), 0);
  std::ofstream(Path("/net/b.record")) << "wgnetrec, but not really";
  const auto loaded = dir.Load();
  ASSERT_FALSE(loaded.ok());
  ExpectState(loaded.error(), "damaged");
  EXPECT_EQ(loaded.error().where, Path("/net/b.record"));
}

TEST_F(StateDirTest, ARecordThatIsALinkIsRefused) {
  const StateDir dir = Open();
  fs::create_symlink("/etc/passwd", Path("/net/a.record"));
  const auto loaded = dir.Load();
  ASSERT_FALSE(loaded.ok());
  ExpectState(loaded.error(), "cannot open \"a.record\"");
}

// ---- the lock ----

TEST_F(StateDirTest, ALockIsHeldAgainstAllOthersAndItsHolderNamed) {
  const StateDir dir = Open();
  {
    const auto lock = dir.Lock(milliseconds(0));
    ASSERT_TRUE(lock.ok()) << lock.error();
    const auto second = Open().Lock(milliseconds(20));
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, ErrorCode::kBusy);
    EXPECT_THAT(second.error().message, HasSubstr("process " + std::to_string(getpid()) + " is"));
    EXPECT_FALSE(second.error().hint.empty());
    EXPECT_TRUE(StateDir::Open(Path(), "other")->Lock(milliseconds(0)).ok());
  }
  EXPECT_TRUE(dir.Lock(milliseconds(0)).ok());
}

TEST_F(StateDirTest, ALockGoesWithItsProcess) {
  const StateDir dir = Open();
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto lock = dir.Lock(milliseconds(0));
    const char ok = lock.ok() ? 'y' : 'n';
    _exit(write(ready[1], &ok, 1) == 1 ? (pause(), 0) : 1);
  }
  char ok = 0;
  ASSERT_EQ(read(ready[0], &ok, 1), 1);
  EXPECT_EQ(ok, 'y');
  const auto busy = dir.Lock(milliseconds(20));
  ASSERT_FALSE(busy.ok());
  EXPECT_THAT(busy.error().message, HasSubstr("process " + std::to_string(child) + " is"));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(dir.Lock(milliseconds(1000)).ok());
  close(ready[0]);
  close(ready[1]);
}

TEST_F(StateDirTest, TheLockWaits) {
  const StateDir dir = Open();
  auto lock = dir.Lock(milliseconds(0));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(dir.Lock(milliseconds(60)).ok());
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(60));
}

// As many milliseconds as there can be are no small number of nanoseconds.
TEST_F(StateDirTest, TheLockIsWaitedForAsLongAsCanBeSaid) {
  const StateDir dir = Open();
  std::optional<Result<UniqueFd>> lock = dir.Lock(milliseconds(0));
  std::thread holder([&] {
    std::this_thread::sleep_for(milliseconds(50));
    lock.reset();
  });
  EXPECT_TRUE(Open().Lock(milliseconds::max()).ok());
  holder.join();
}

TEST_F(StateDirTest, ALockThatIsALinkIsRefused) {
  const StateDir dir = Open();
  std::ofstream(Path("-victim")) << "precious";
  fs::create_symlink(Path("-victim"), Path("/net/lock"));
  const auto lock = dir.Lock(milliseconds(0));
  ASSERT_FALSE(lock.ok());
  ExpectState(lock.error(), "cannot open the lock");
  EXPECT_EQ(fs::file_size(Path("-victim")), 8u);
}

TEST_F(StateDirTest, NoDescriptorGoesToAnotherProgram) {
  const StateDir dir = Open();
  const auto lock = dir.Lock(milliseconds(0));
  EXPECT_EQ(Save(dir, "a"), 0);
  size_t open = 0;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string target = fs::read_symlink(entry.path(), gone);
    if (target.find(Path()) != 0) continue;
    const int fd = std::stoi(entry.path().filename());
    EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << target;
    ++open;
  }
  EXPECT_EQ(open, 2u);
}

// ---- journals ----

Journal OneOp(kernel::Verb verb) {
  kernel::WgDevice device;
  device.dev = kernel::LinkRef{7, "wg0"};
  device.private_key = wgnet::testing::CountingKey<SecretKey>(1);
  return {.owner = "a", .transaction = 5, .ops = {{.verb = verb, .object = device}}};
}

TEST_F(StateDirTest, AJournalIsThereWhileItsTransactionRuns) {
  const StateDir dir = Open();
  EXPECT_FALSE(dir.HasJournal());
  {
    auto journal = dir.Begin(OneOp(kernel::Verb::kDelete));
    ASSERT_TRUE(journal) << journal.error();
    EXPECT_TRUE(dir.HasJournal());
    EXPECT_EQ(ModeOf(Path("/net/a.journal")), 0600u);
    EXPECT_EQ(dir.LoadJournals()->at(0).begun, 0u);
    EXPECT_EQ(journal->Mark(1), 0);
    EXPECT_EQ(dir.LoadJournals()->at(0).begun, 1u);
    EXPECT_EQ(dir.LoadJournals()->at(0).transaction, 5u);
  }
  EXPECT_FALSE(dir.HasJournal());
}

TEST_F(StateDirTest, AJournalOutlivesItsProcess) {
  const StateDir dir = Open();
  const pid_t child = fork();
  if (child == 0) {
    const auto journal = dir.Begin(OneOp(kernel::Verb::kDelete));
    kill(getpid(), SIGKILL);
  }
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(dir.HasJournal());
  EXPECT_TRUE(dir.RemoveJournal("a"));
  EXPECT_TRUE(dir.RemoveJournal("a"));
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(StateDirTest, WhatWasBeingWrittenIsRemovedAndNothingElse) {
  const StateDir dir = Open();
  EXPECT_EQ(Save(dir, "a"), 0);
  for (const char* name : {"/net/a.record.new", "/net/b.journal.new"}) {
    std::ofstream(Path(name)) << "half";
  }
  EXPECT_TRUE(dir.RemoveTemporaries());
  EXPECT_THAT(Files(), UnorderedElementsAre("a.record"));
}

TEST_F(StateDirTest, AJournalWithKeysIsRefusedOnADisk) {
  char path[] = "/var/tmp/wgnet-test-XXXXXX";
  ASSERT_NE(mkdtemp(path), nullptr);
  const auto dir = StateDir::Open(path, "net");
  ASSERT_TRUE(dir) << dir.error();
  const auto refused = dir->Begin(OneOp(kernel::Verb::kDelete));
  const bool taken = dir->Begin(OneOp(kernel::Verb::kAdd)).ok();
  fs::remove_all(path);
  ASSERT_FALSE(refused);
  ExpectState(refused.error(), "taking this back needs keys, and");
  EXPECT_TRUE(taken);
}

TEST_F(StateDirTest, ADamagedJournalIsNamed) {
  const StateDir dir = Open();
  std::ofstream(Path("/net/a.journal")) << "nonsense";
  const auto loaded = dir.LoadJournals();
  ASSERT_FALSE(loaded);
  ExpectState(loaded.error(), "the journal is damaged");
  EXPECT_THAT(loaded.error().where, HasSubstr("/net/a.journal"));
}

}  // namespace
}  // namespace wgnet::plan
