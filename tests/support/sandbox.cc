// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#if defined(__SANITIZE_ADDRESS__)
#define WGNET_FINDS_LEAKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WGNET_FINDS_LEAKS 1
#endif
#endif
#ifdef WGNET_FINDS_LEAKS
#include <sanitizer/lsan_interface.h>
#endif

namespace wgnet::testing {
namespace {

// _exit(2) looks for none.
bool HasLeaks() {
#ifdef WGNET_FINDS_LEAKS
  return __lsan_do_recoverable_leak_check() != 0;
#else
  return false;
#endif
}

void BringUpLoopback() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  ioctl(fd, SIOCSIFFLAGS, &request);
  close(fd);
}

[[noreturn]] void RunChild(const std::function<std::string()>& body, int out, int seconds) {
  signal(SIGALRM, SIG_DFL);
  alarm(static_cast<unsigned>(seconds));
  std::string text;
  if (unshare(CLONE_NEWNET) != 0) {
    text = fmt::format("unshare: {}", std::strerror(errno));
  } else {
    BringUpLoopback();
    text = WithFailures(body());
    if (HasLeaks()) text += "memory leaked";
  }
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t size = write(out, text.data() + done, text.size() - done);
    if (size <= 0) _exit(98);
    done += static_cast<size_t>(size);
  }
  fflush(nullptr);
  _exit(0);
}

std::string ReadAll(int fd) {
  std::string text;
  std::array<char, 4096> chunk;
  ssize_t size;
  while ((size = read(fd, chunk.data(), chunk.size())) > 0) {
    text.append(chunk.data(), static_cast<size_t>(size));
  }
  return text;
}

}  // namespace

std::string WithFailures(std::string text) {
  return ::testing::Test::HasFailure() ? text + "an expectation failed" : text;
}

std::string InNewNamespace(const std::function<std::string()>& body, int seconds) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return "pipe failed";
  fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    RunChild(body, ends[1], seconds);
  }
  close(ends[1]);
  std::string text = ReadAll(ends[0]);
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) text += fmt::format("ended by signal {}", WTERMSIG(status));
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
    text += fmt::format("exit status {}", WEXITSTATUS(status));
  }
  return text;
}

size_t CountInNewNamespace(const std::function<std::string(size_t&)>& body) {
  const std::string text = InNewNamespace([&] {
    size_t number = 0;
    const std::string failure = body(number);
    return failure.empty() ? std::to_string(number) : failure;
  });
  size_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  EXPECT_TRUE(whole) << text;
  return whole ? number : 0;
}

std::string Shell(const std::string& command) {
  fflush(nullptr);
  FILE* pipe = popen(("{ " + command + "\n} 2>&1").c_str(), "re");
  if (pipe == nullptr) return "popen failed";
  std::string text = ReadAll(fileno(pipe));
  const int status = pclose(pipe);
  if (status != 0) text += fmt::format("[status {}]", WEXITSTATUS(status));
  return text;
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = "/dev/shm/wgnet-test-XXXXXX";
  path_ = mkdtemp(pattern.data());
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace wgnet::testing
