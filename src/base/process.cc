// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/process.h"

#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string_view>

#include "src/base/unique_fd.h"
#include "src/base/write_all.h"

namespace wgnet {
namespace {

std::string_view NameOf(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

std::vector<char*> PointersTo(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// The caller's environment, but for the variables that `added` has.
std::vector<char*> EnvironmentWith(const std::vector<std::string>& added) {
  std::vector<char*> all = PointersTo(added);
  all.pop_back();
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    bool replaced = false;
    for (const std::string& other : added)
      replaced = replaced || NameOf(other) == NameOf(*variable);
    if (!replaced) all.push_back(*variable);
  }
  all.push_back(nullptr);
  return all;
}

class Attributes {
 public:
  Attributes() {
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK);
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

// The standard streams, where they are not the caller's.
class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }

  // Standard input, as a file that nobody else can see. 0 or an errno.
  int GiveInput(std::string_view text) {
    input_ = UniqueFd(memfd_create("input", MFD_CLOEXEC));
    if (!input_.ok()) return errno;
    if (const int error = WriteAll(input_.get(), text)) return error;
    if (lseek(input_.get(), 0, SEEK_SET) != 0) return errno;
    return posix_spawn_file_actions_adddup2(&actions_, input_.get(), STDIN_FILENO);
  }
  void Silence() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      posix_spawn_file_actions_addopen(&actions_, stream, "/dev/null", O_RDWR, 0);
    }
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
  UniqueFd input_;
};

// What posix_spawnp(3) takes.
struct Spawn {
  const posix_spawn_file_actions_t* actions;
  const posix_spawnattr_t* attributes;
  char* const* arguments;
  char* const* environment;
};

int WaitFor(pid_t child, int flags = 0) {
  int status = 0;
  while (waitpid(child, &status, flags) < 0) {
    if (errno != EINTR) return -errno;
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int RunAsChild(const Spawn& spawn) {
  pid_t child = 0;
  const int error = posix_spawnp(&child, spawn.arguments[0], spawn.actions, spawn.attributes,
                                 spawn.arguments, spawn.environment);
  return error != 0 ? -error : WaitFor(child);
}

// ---- where the caller's children leave no status ----

bool LosesStatus() {
  struct sigaction now {};
  sigaction(SIGCHLD, nullptr, &now);
  return now.sa_handler == SIG_IGN || (now.sa_flags & SA_NOCLDWAIT) != 0;
}

// In a copy of a process that may have threads, with all signals blocked: nothing here allocates.
// None of the caller's files stays open meanwhile, for locks hang on them.
[[noreturn]] void Keep(const Spawn& spawn, int out) {
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  struct sigaction plain {};
  plain.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &plain, nullptr);
  pid_t child = 0;
  const int error = posix_spawnp(&child, spawn.arguments[0], spawn.actions, spawn.attributes,
                                 spawn.arguments, spawn.environment);
  dup2(out, STDIN_FILENO);
  close_range(STDIN_FILENO + 1, ~0U, 0);
  const int result = error != 0 ? -error : WaitFor(child);
  _exit(write(STDIN_FILENO, &result, sizeof result) == sizeof result ? 0 : 1);
}

// By a child that ends without a signal, and so leaves a status in any case. It cannot be the
// program itself, for execve(2) makes it an ordinary one.
int RunByKeeper(const Spawn& spawn) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -errno;
  const UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const long keeper = syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);
  if (keeper == 0) Keep(spawn, out.get());
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (keeper < 0) return -error;
  out = UniqueFd();
  const int ended = WaitFor(static_cast<pid_t>(keeper), __WCLONE);
  int result = 0;
  const bool told = read(in.get(), &result, sizeof result) == sizeof result;
  return told ? result : ended;
}

class Spawner final : public ProcessRunner {
 public:
  int Run(const Process& process) override {
    const std::vector<char*> arguments = PointersTo(process.arguments);
    const std::vector<char*> environment = EnvironmentWith(process.environment);
    const Attributes attributes;
    FileActions actions;
    if (process.silent) actions.Silence();
    if (process.input) {
      if (const int error = actions.GiveInput(*process.input)) return -error;
    }
    const Spawn spawn{actions.get(), attributes.get(), arguments.data(), environment.data()};
    return LosesStatus() ? RunByKeeper(spawn) : RunAsChild(spawn);
  }
};

}  // namespace

std::shared_ptr<ProcessRunner> SystemProcessRunner() { return std::make_shared<Spawner>(); }

}  // namespace wgnet
