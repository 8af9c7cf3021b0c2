// SPDX-License-Identifier: MIT OR Apache-2.0
// Namespaces are visited, and the caller's thread stays where it is. Each test makes its own.
#include "src/netlink/network_namespace.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <thread>

#include "tests/support/sandbox.h"

namespace wgnet::netlink {
namespace {

using testing::InNewNamespace;

constexpr char kOwn[] = "/proc/thread-self/ns/net";

ino_t OwnInode() {
  struct stat file {};
  EXPECT_EQ(stat(kOwn, &file), 0);
  return file.st_ino;
}

// A second namespace, for as long as this object lives. The thread that made it ended.
class OtherNamespace {
 public:
  OtherNamespace() {
    std::thread([&] {
      if (unshare(CLONE_NEWNET) == 0) fd_ = open(kOwn, O_RDONLY | O_CLOEXEC);
      inode_ = OwnInode();
    }).join();
  }
  ~OtherNamespace() { close(fd_); }

  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }
  ino_t inode() const { return inode_; }

 private:
  int fd_ = -1;
  ino_t inode_ = 0;
};

// Texts that tell what went wrong; the child has no test framework.
std::string Check(bool holds, const std::string& what) { return holds ? "" : what + "\n"; }

TEST(NetworkNamespaceTest, AnotherOneIsVisitedByAThreadAndTheCallerIsNotMoved) {
  EXPECT_EQ(InNewNamespace([] {
              const OtherNamespace other;
              const ino_t own = OwnInode();
              auto netns = NetworkNamespace::Open(other.path());
              if (!netns) return netns.error().ToString();
              ino_t inside = 0;
              pid_t thread = 0;
              const int error = netns->Run([&] {
                inside = OwnInode();
                thread = gettid();
              });
              return Check(error == 0, "error " + std::to_string(error)) +
                     Check(inside == other.inode(), "the body ran elsewhere") +
                     Check(thread != gettid(), "the body ran on the caller's thread") +
                     Check(OwnInode() == own, "the caller was moved");
            }),
            "");
}

TEST(NetworkNamespaceTest, TheThreadIsGoneAfterwards) {
  EXPECT_EQ(InNewNamespace([] {
              const OtherNamespace other;
              auto netns = NetworkNamespace::Open(other.path());
              pid_t thread = 0;
              netns->Run([&] { thread = gettid(); });
              // A joined thread's entry goes a moment later.
              for (int i = 0; i < 1000 && syscall(SYS_tgkill, getpid(), thread, 0) == 0; ++i) {
                usleep(1000);
              }
              return Check(syscall(SYS_tgkill, getpid(), thread, 0) != 0, "the thread lives");
            }),
            "");
}

TEST(NetworkNamespaceTest, AnExceptionIsTheCallers) {
  EXPECT_EQ(InNewNamespace([] {
              const OtherNamespace other;
              auto netns = NetworkNamespace::Open(other.path());
              try {
                netns->Run([] { throw std::bad_alloc(); });
              } catch (const std::bad_alloc&) {
                return Check(netns->Run([] {}) == 0, "no other visit");
              }
              return std::string("it is lost");
            }),
            "");
}

TEST(NetworkNamespaceTest, TheOwnOneIsRunAtOnce) {
  EXPECT_EQ(InNewNamespace([] {
              std::string problems;
              for (const char* name : {"", kOwn, "/proc/self/ns/net"}) {
                auto netns = NetworkNamespace::Open(name);
                if (!netns) return netns.error().ToString();
                pid_t thread = 0;
                problems += Check(netns->Run([&] { thread = gettid(); }) == 0, "an error");
                problems += Check(thread == gettid(), std::string(name) + " took a thread");
              }
              return problems;
            }),
            "");
}

// "" is where the calling thread is when it opens, not where it is later.
TEST(NetworkNamespaceTest, ItStaysTheOneThatWasOpened) {
  EXPECT_EQ(InNewNamespace([] {
              const ino_t first = OwnInode();
              auto netns = NetworkNamespace::Open("");
              if (!netns) return netns.error().ToString();
              if (unshare(CLONE_NEWNET) != 0) return std::string("unshare failed");
              const ino_t second = OwnInode();
              ino_t inside = 0;
              netns->Run([&] { inside = OwnInode(); });
              return Check(inside == first, "it is another one now") +
                     Check(OwnInode() == second, "the caller was moved back");
            }),
            "");
}

TEST(NetworkNamespaceTest, TheIdIsOneForEachNamespaceHoweverItIsOpened) {
  EXPECT_EQ(
      InNewNamespace([] {
        const OtherNamespace other;
        const OtherNamespace third;
        const std::string own = NetworkNamespace::Open("")->id();
        const std::string again = NetworkNamespace::Open("/proc/self/ns/net")->id();
        const std::string a = NetworkNamespace::Open(other.path())->id();
        const std::string b = NetworkNamespace::Open(third.path())->id();
        const std::string from_other = [&] {
          std::string id;
          NetworkNamespace::Open(other.path())->Run([&] { id = NetworkNamespace::Open("")->id(); });
          return id;
        }();
        return Check(own == again, own + " is not " + again) +
               Check(from_other == a, from_other + " is not " + a) +
               Check(own != a && own != b && a != b, "two have one: " + own + a + b) +
               Check(own.find("-cookie-") != own.npos, own + " has no cookie") +
               Check(own.find('/') == own.npos, own + " is no name of a file");
      }),
      "");
}

TEST(NetworkNamespaceTest, ItsFileIsClosedOnExec) {
  EXPECT_EQ(InNewNamespace([] {
              const std::string before = testing::Shell("ls -l /proc/self/fd | grep -c 'net:'");
              const OtherNamespace other;
              auto own = NetworkNamespace::Open("");
              auto netns = NetworkNamespace::Open(other.path());
              const std::string after = testing::Shell("ls -l /proc/self/fd | grep -c 'net:'");
              return Check(before == after, before + "became " + after);
            }),
            "");
}

struct BadName {
  const char* name;
  ErrorCode code;
};

TEST(NetworkNamespaceTest, WhatIsNoneIsAnErrorThatQuotesTheName) {
  for (const auto& [name, code] : {
           BadName{"wgnet-no-such-name", ErrorCode::kNotFound},
           BadName{".", ErrorCode::kNotFound},
           BadName{"..", ErrorCode::kNotFound},
           BadName{"/nowhere/at/all", ErrorCode::kNotFound},
           BadName{"./relative", ErrorCode::kNotFound},
           BadName{"/dev/null", ErrorCode::kIo},
           BadName{"/proc/self/ns/mnt", ErrorCode::kIo},
           BadName{"/proc", ErrorCode::kIo},
       }) {
    auto netns = NetworkNamespace::Open(name);
    ASSERT_FALSE(netns.ok()) << name;
    EXPECT_EQ(netns.error().code, code) << name;
    EXPECT_NE(netns.error().message.find(name), std::string::npos) << netns.error().message;
    EXPECT_FALSE(netns.error().hint.empty()) << name;
    EXPECT_NE(netns.error().error_number, 0) << name;
  }
}

}  // namespace
}  // namespace wgnet::netlink
