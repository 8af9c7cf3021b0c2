// SPDX-License-Identifier: MIT OR Apache-2.0
// Programs that are run, and how they end, whatever the caller does with SIGCHLD.
#include "wgnet/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/sandbox.h"

namespace wgnet {
namespace {

using testing::TemporaryDirectory;

int RunShell(const std::string& command, std::optional<std::string> input = {}) {
  return SystemProcessRunner()->Run(
      {.arguments = {"sh", "-c", command}, .environment = {"WORD=word"}, .input = input});
}

void IgnoreSignal() { signal(SIGCHLD, SIG_IGN); }
void WantNoZombies() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_NOCLDWAIT;
  sigaction(SIGCHLD, &action, nullptr);
}
void DoNothing() {}

class ProcessTest : public ::testing::TestWithParam<void (*)()> {
 protected:
  void SetUp() override {
    sigaction(SIGCHLD, nullptr, &before_);
    GetParam()();
  }
  void TearDown() override { sigaction(SIGCHLD, &before_, nullptr); }
  struct sigaction before_ {};
};

TEST_P(ProcessTest, TellsHowAProgramEnds) {
  EXPECT_EQ(RunShell("exit 0"), 0);
  EXPECT_EQ(RunShell("exit 3"), 3);
  EXPECT_EQ(RunShell("kill -TERM $$"), 128 + SIGTERM);
  EXPECT_EQ(SystemProcessRunner()->Run({.arguments = {"wgnet-no-such-program"}}), -ENOENT);
}

TEST_P(ProcessTest, GivesItWhatItIsGiven) {
  EXPECT_EQ(RunShell("test \"$(cat)\" = input && test $WORD = word", "input"), 0);
  EXPECT_EQ(SystemProcessRunner()->Run({.arguments = {"sh", "-c", "read line"}, .silent = true}),
            1);
}

// An ignored signal stays so in a program.
TEST_P(ProcessTest, ItHasNoSignalBlockedOrIgnored) {
  sigset_t one;
  sigset_t before;
  sigemptyset(&one);
  sigaddset(&one, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &one, &before);
  EXPECT_EQ(RunShell("grep -q 'SigBlk:.0*$' /proc/self/status"), 0);
  EXPECT_EQ(RunShell("test $((0x$(sed -n 's/SigIgn:.//p' /proc/self/status) & 0x10000)) = 0"), 0);
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, &before, &after);
  EXPECT_EQ(sigismember(&after, SIGUSR1), 1);
  EXPECT_EQ(sigismember(&after, SIGUSR2), 0);
}

TEST_P(ProcessTest, ThreadsRunSomeAtATime) {
  std::vector<std::thread> threads;
  for (int status = 1; status <= 8; ++status) {
    threads.emplace_back([status] {
      for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(RunShell("exit " + std::to_string(status)), status);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Others wait for locks that hang on them.
TEST_P(ProcessTest, TheCallersFilesAreTheCallersAlone) {
  const TemporaryDirectory directory;
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const std::string end = directory.path() + "/end";
  std::thread other([&] {
    EXPECT_EQ(RunShell("touch " + end + ".near; until test -e " + end + "; do sleep 0.01; done"),
              0);
  });
  while (access((end + ".near").c_str(), F_OK) != 0) usleep(1000);
  close(ends[1]);
  pollfd reader{ends[0], POLLIN, 0};
  EXPECT_EQ(poll(&reader, 1, 5000), 1);
  EXPECT_EQ(reader.revents, POLLHUP);
  close(ends[0]);
  std::ofstream(end).close();
  other.join();
}

INSTANTIATE_TEST_SUITE_P(, ProcessTest,
                         ::testing::Values(&DoNothing, &IgnoreSignal, &WantNoZombies),
                         [](const auto& info) -> std::string {
                           if (info.param == &DoNothing) return "ByDefault";
                           return info.param == &IgnoreSignal ? "Ignored" : "WithoutZombies";
                         });

}  // namespace
}  // namespace wgnet
