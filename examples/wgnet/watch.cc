// SPDX-License-Identifier: MIT OR Apache-2.0
// watch: tells what becomes of what an owner has, until it is ended.
#include "wgnet/watch.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "command.h"
#include "input.h"

namespace cli {
namespace {

using wgnet::Error;
using wgnet::Result;

Error SystemError(const char* what) {
  return {.code = wgnet::ErrorCode::kIo,
          .message = std::string(what) + ": " + strerror(errno),
          .error_number = errno};
}

// Readable when the process is to end, from its making on.
class EndSignals {
 public:
  EndSignals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    fd_ = signalfd(-1, &signals, SFD_CLOEXEC);
  }
  ~EndSignals() {
    if (fd_ >= 0) close(fd_);
  }
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

wgnet::Status Tell(const wgnet::Event& event, const Console& console) {
  if (!console.json()) {
    for (const std::string& warning : event.warnings) console.Warn(warning);
  }
  return console.Print((console.json() ? event.ToJson() : event.ToString()) + "\n");
}

// Waits for the watcher or the end; true: the end.
Result<bool> WaitForEnd(const wgnet::Watcher& watcher, const EndSignals& end) {
  pollfd ready[] = {{watcher.fd(), POLLIN, 0}, {end.fd(), POLLIN, 0}};
  while (poll(ready, std::size(ready), -1) < 0) {
    if (errno != EINTR) return SystemError("poll");
  }
  return ready[1].revents != 0;
}

Outcome TellAll(wgnet::Watcher& watcher, const EndSignals& end, const Console& console) {
  while (true) {
    const auto events = watcher.Read();
    // What was to be read changes all the time, or is another's for a moment.
    if (!events && events.error().code != wgnet::ErrorCode::kStale) return events.error();
    if (events) {
      for (const wgnet::Event& event : *events) {
        if (const auto told = Tell(event, console); !told) return told.error();
      }
    }
    const auto ended = WaitForEnd(watcher, end);
    if (!ended) return ended.error();
    if (*ended) return ExitStatus::kDone;
  }
}

// The node to keep, with its owner; without one, only the owner.
Result<Input> InputOf(const Arguments& arguments, const Console& console) {
  if (arguments.repair.empty()) {
    Input none;
    none.owner = arguments.owner.empty() ? arguments.session.owner : arguments.owner;
    return none;
  }
  Arguments with_input = arguments;
  with_input.input = arguments.repair;
  auto input = LoadInput(with_input, HookUse::kNone);
  if (!input) return input.error();
  for (const std::string& warning : input->warnings) console.Warn(warning);
  return input;
}

}  // namespace

Outcome Watch(const Arguments& arguments, const Console& console) {
  const EndSignals end;
  if (end.fd() < 0) return SystemError("signalfd");
  const auto input = InputOf(arguments, console);
  if (!input) return input.error();
  auto session = OpenResolvingSession(arguments, input->owner);
  if (!session) return session.error();
  console.WarnOf(session->recovered());
  wgnet::WatchOptions options;
  options.peer_timeout = std::chrono::seconds(arguments.peer_timeout);
  options.poll_interval = std::chrono::seconds(arguments.poll_interval);
  if (!arguments.repair.empty()) options.keep = input->node;
  auto watcher = session->Watch(options);
  if (!watcher) return watcher.error();
  return TellAll(*watcher, end, console);
}

}  // namespace cli
