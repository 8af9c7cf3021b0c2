// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/userspace_world.h"

#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "src/base/write_all.h"
#include "tests/support/sandbox.h"

namespace wgnet::testing {
namespace {

// In the first process of the new namespace: when it ends, all others are killed.
[[noreturn]] void RunFirst(const std::function<std::string()>& body, int out) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::string text;
  if (mount("proc", "/proc", "proc", 0, nullptr) != 0 ||
      mount("tmpfs", "/run", "tmpfs", 0, "mode=755") != 0) {
    text = fmt::format("mount: {}", std::strerror(errno));
  } else {
    text = WithFailures(body());
  }
  fflush(nullptr);
  _exit(WriteAll(out, text) == 0 ? 0 : 98);
}

std::string RunInside(const std::function<std::string()>& body) {
  int ends[2];
  if (unshare(CLONE_NEWPID | CLONE_NEWNS) != 0 || pipe(ends) != 0 ||
      mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return fmt::format("unshare: {}", std::strerror(errno));
  }
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    RunFirst(body, ends[1]);
  }
  close(ends[1]);
  std::string text;
  char chunk[4096];
  for (ssize_t size; (size = read(ends[0], chunk, sizeof chunk)) > 0;) {
    text.append(chunk, static_cast<size_t>(size));
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0 ? text : text + fmt::format("[wait status {}]", status);
}

}  // namespace

std::string InUserspaceWorld(const std::function<std::string()>& body, int seconds) {
  return InNewNamespace([&] { return RunInside(body); }, seconds);
}

// The one who called listen(2) has gone to the background since; the one who accepts is found by
// its arguments.
int ProgramOf(const std::string& interface) {
  const std::string found = Shell(
      "for p in /proc/[0-9]*; do"
      " [ \"$(tr '\\0' ' ' <$p/cmdline 2>/dev/null)\" = \"wireguard-go " +
      interface + " \" ] && echo ${p#/proc/}; done; true");
  return found.empty() ? 0 : std::stoi(found);
}

}  // namespace wgnet::testing
