// SPDX-License-Identifier: MIT OR Apache-2.0
// confirm, rollback, extend, guard: changes that have to be confirmed.
#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "command.h"
#include "wgnet/confirm.h"

namespace cli {
namespace {

using wgnet::ConfirmOptions;
using wgnet::Error;
using wgnet::Result;
using wgnet::Session;

Result<Session> OpenAny(const Arguments& arguments) {
  return OpenSession(arguments, arguments.session.owner);
}

Outcome Tell(const wgnet::RecoveryReport& report, const Console& console) {
  if (console.json()) return Concluded(report, console.Print(report.ToJson() + "\n"));
  for (const std::string& warning : report.warnings) console.Warn(warning);
  std::string text;
  for (const auto& each : report.cut_off) text += each.ToString() + "\n";
  return Concluded(report, console.Print(text));
}

wgnet::RecoveryReport ReportOf(const wgnet::GuardReport& guarded) {
  wgnet::RecoveryReport report;
  if (guarded.rollback) report.cut_off.push_back({guarded.owner, *guarded.rollback, true});
  return report;
}

// ---- a guardian in the background ----

void CloseStreams() {
  const int null = open("/dev/null", O_RDWR);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, stream);
  if (null > STDERR_FILENO) close(null);
}

// Nobody reads its streams.
void Log(const Result<wgnet::GuardReport>& guarded) {
  openlog("wgnet-guard", LOG_PID, LOG_DAEMON);
  if (!guarded) {
    syslog(LOG_ERR, "%s", guarded.error().ToString().c_str());
  } else if (guarded->rollback) {
    for (const auto& each : ReportOf(*guarded).cut_off) {
      syslog(LOG_WARNING, "%s", each.ToString().c_str());
    }
  }
}

Outcome GuardAlone(const Arguments& arguments, int ready) {
  setsid();
  auto session = OpenAny(arguments);
  if (!session) return session.error();
  bool alone = false;
  const auto guarded = session->Guard([&] {
    CloseStreams();
    alone = write(ready, "", 1) == 1;
    close(ready);
  });
  if (!alone && !guarded) return guarded.error();
  Log(guarded);
  return guarded ? ExitStatus::kDone : ExitStatus::kFailed;
}

// Returns when the process in the background guards the change.
Outcome GuardInBackground(const Arguments& arguments) {
  close_range(STDERR_FILENO + 1, ~0U, 0);  // what the caller left open would stay so
  int ends[2];
  const pid_t child = pipe2(ends, O_CLOEXEC) == 0 ? fork() : -1;
  if (child < 0) {
    return Error{.code = wgnet::ErrorCode::kIo,
                 .message = std::string("cannot go to the background: ") + std::strerror(errno),
                 .error_number = errno};
  }
  if (child == 0) {
    close(ends[0]);
    return GuardAlone(arguments, ends[1]);
  }
  close(ends[1]);
  char byte;
  const bool stands = read(ends[0], &byte, 1) == 1;
  close(ends[0]);
  return stands ? ExitStatus::kDone : ExitStatus::kFailed;  // it has told why
}

}  // namespace

Result<std::optional<ConfirmOptions>> ConfirmOptionsOf(const Arguments& arguments) {
  if (!arguments.confirm) return std::optional<ConfirmOptions>();
  ConfirmOptions options{.within = std::chrono::seconds(*arguments.confirm), .persist = true};
  for (const std::string& text : arguments.revoke) {
    auto key = wgnet::PublicKey::Parse(text);
    if (!key) return key.error();
    options.revoke.push_back(*key);
  }
  return std::optional(std::move(options));
}

Outcome AwaitConfirmation(const wgnet::PendingChange& change, const Arguments& arguments,
                          Session& session, const Console& console) {
  if (console.json()) {
    if (const auto printed = console.Print(change.ToJson() + "\n"); !printed)
      return printed.error();
  } else {
    const auto left = std::chrono::ceil<std::chrono::seconds>(change.left);
    const auto printed = console.Print("taken back in " + std::to_string(left.count()) +
                                       " s, unless: wgnet confirm " + change.token + "\n");
    if (!printed) return printed.error();
  }
  if (!arguments.confirm_on_handshake) return ExitStatus::kDone;
  const auto confirmed = session.ConfirmOnHandshake({}, change.token);
  if (!confirmed) return confirmed.error();
  return console.json() ? ExitStatus::kDone : DoneIf(console.Print("confirmed by a handshake\n"));
}

Outcome Confirm(const Arguments& arguments, const Console& console) {
  auto session = OpenAny(arguments);
  if (!session) return session.error();
  console.WarnOf(session->recovered());
  const auto done = session->Confirm(arguments.token);
  if (!done) return done.error();
  for (const std::string& warning : done->warnings) console.Warn(warning);
  if (console.json()) return ExitStatus::kDone;
  return DoneIf(console.Print("confirmed, " + std::to_string(done->steps) + " steps done\n"));
}

Outcome Rollback(const Arguments& arguments, const Console& console) {
  auto session = OpenAny(arguments);
  if (!session) return session.error();
  console.WarnOf(session->recovered());
  const auto pending = session->Pending();
  if (!pending) return pending.error();
  auto report = session->Rollback(arguments.token);
  if (!report) return report.error();
  wgnet::RecoveryReport told;
  told.cut_off.push_back({*pending ? (*pending)->owner : "", *std::move(report), true});
  return Tell(told, console);
}

Outcome Extend(const Arguments& arguments, const Console& console) {
  auto session = OpenAny(arguments);
  if (!session) return session.error();
  console.WarnOf(session->recovered());
  const auto done =
      session->ExtendConfirmation(std::chrono::seconds(*arguments.confirm), arguments.token);
  if (!done) return done.error();
  return ExitStatus::kDone;
}

Outcome Guard(const Arguments& arguments, const Console& console) {
  if (arguments.background) return GuardInBackground(arguments);
  auto session = OpenAny(arguments);
  if (!session) return session.error();
  const auto guarded = session->Guard();
  if (!guarded) return guarded.error();
  return Tell(ReportOf(*guarded), console);
}

}  // namespace cli
