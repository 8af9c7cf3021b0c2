// SPDX-License-Identifier: MIT OR Apache-2.0
// plan, apply, up, down, delete: bringing the kernel to a node.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "command.h"
#include "input.h"
#include "wgnet/plan.h"

namespace cli {
namespace {

using wgnet::ConfFile;
using wgnet::Error;
using wgnet::ErrorCode;
using wgnet::Node;
using wgnet::Result;
using wgnet::Session;

constexpr int kMostAttempts = 5;

enum class Tell { kSteps, kSummary };

void Announce(const wgnet::Plan& plan, Tell tell, const Console& console) {
  if (console.json()) return;  // the document holds it all
  for (const std::string& warning : plan.warnings()) console.Warn(warning);
  if (tell != Tell::kSteps) return;
  for (const wgnet::PlanOp& op : plan.ops()) {
    for (const std::string& command : op.commands) console.Step(command);
  }
}

Outcome Conclude(const wgnet::Plan& plan, Tell tell, const Console& console) {
  if (console.json()) return DoneIf(console.Print(plan.ToJson() + "\n"));
  if (tell == Tell::kSteps) return ExitStatus::kDone;
  if (plan.empty()) return DoneIf(console.Print("nothing to do\n"));
  return DoneIf(console.Print(std::to_string(plan.size()) + " steps done\n"));
}

// Steps are told before they are taken. A plan that the kernel has left behind is made anew.
template <class MakePlan>
Outcome CarryOut(const MakePlan& make_plan, Session& session, Tell tell, const Console& console) {
  for (int attempt = 1;; ++attempt) {
    const auto plan = make_plan();
    if (!plan) return plan.error();
    Announce(*plan, tell, console);
    const auto done = session.Apply(*plan);
    if (done) return Conclude(*plan, tell, console);
    if (done.error().code != ErrorCode::kStale || attempt == kMostAttempts) return done.error();
    console.Warn("the kernel changed meanwhile; planning again");
  }
}

Outcome BringTo(const Node& node, const wgnet::Hooks& hooks, Session& session, Tell tell,
                const Console& console) {
  return CarryOut([&] { return session.Plan(node, hooks); }, session, tell, console);
}

Result<Input> Load(const Arguments& arguments, HookUse use, const Console& console) {
  auto input = LoadInput(arguments, use);
  if (input) {
    for (const std::string& warning : input->warnings) console.Warn(warning);
  }
  return input;
}

Outcome BringToInput(const Arguments& arguments, HookUse use, Tell tell, const Console& console) {
  const auto input = Load(arguments, use, console);
  if (!input) return input.error();
  auto session = OpenResolvingSession(arguments, input->owner);
  if (!session) return session.error();
  return BringTo(input->node, input->hooks, *session, tell, console);
}

Result<bool> HasAnything(Session& session, const std::string& owner) {
  const auto snapshot = session.Snapshot();
  if (!snapshot) return snapshot.error();
  return std::any_of(snapshot->owners.begin(), snapshot->owners.end(),
                     [&](const wgnet::OwnerStatus& status) { return status.owner == owner; });
}

// The session of an owner; `absent` is the error when he has nothing.
Result<Session> OpenOwner(const Arguments& arguments, const std::string& owner,
                          const Error& absent) {
  auto session = OpenSession(arguments, owner);
  if (!session) return session.error();
  const auto has = HasAnything(*session, owner);
  if (!has) return has.error();
  if (!*has) return absent;
  return session;
}

// What the file as it is now, which need not be that of `up`, has done before the interface goes,
// and with it.
Result<wgnet::Hooks> PrepareDown(const ConfFile::Location& location, const Arguments& arguments,
                                 const Console& console) {
  if (arguments.skip_hooks) return wgnet::Hooks();
  const auto file = ConfFile::Read(location.path);
  if (file) {
    if (file->save_config()) {
      if (const auto saved = SaveState(*file, location, arguments); !saved) return saved.error();
    }
    return file->HooksFor(location.interface);
  }
  Error error = file.error();
  if (error.error_number == ENOENT) {
    console.Warn(location.path + ": there is no such file, so nothing is saved, and no hook run");
    return wgnet::Hooks();
  }
  error.hint = "--skip hooks takes the interface down without its hooks";
  return error;
}

}  // namespace

Outcome BringTo(const wgnet::Reresolve& reresolve, Session& session, const Console& console) {
  return CarryOut([&] { return session.Plan(reresolve); }, session, Tell::kSteps, console);
}

Outcome Plan(const Arguments& arguments, const Console& console) {
  const auto input = Load(arguments, HookUse::kNone, console);
  if (!input) return input.error();
  auto session = OpenResolvingSession(arguments, input->owner);
  if (!session) return session.error();
  const auto plan = session->Plan(input->node);
  if (!plan) return plan.error();
  Announce(*plan, Tell::kSummary, console);
  if (!arguments.script.empty()) {
    if (const auto written = plan->ExplainScript(arguments.script); !written)
      return written.error();
  }
  const auto printed = console.Print(console.json()  ? plan->ToJson() + "\n"
                                     : plan->empty() ? "# nothing to do\n"
                                                     : plan->Explain());
  if (!printed) return printed.error();
  return arguments.exit_code && !plan->empty() ? ExitStatus::kPending : ExitStatus::kDone;
}

Outcome Apply(const Arguments& arguments, const Console& console) {
  return BringToInput(arguments, HookUse::kNone, Tell::kSummary, console);
}

Outcome Up(const Arguments& arguments, const Console& console) {
  return BringToInput(arguments, HookUse::kRun, Tell::kSteps, console);
}

Outcome Down(const Arguments& arguments, const Console& console) {
  const auto location = wgnet::ConfFile::Locate(arguments.input);
  if (!location) return location.error();
  const std::string owner =
      arguments.owner.empty() ? QuickOwner(location->interface) : arguments.owner;
  const Error absent{.code = ErrorCode::kNotFound,
                     .message = location->interface + " is not up",
                     .hint = "`wgnet status` lists what is"};
  auto session = OpenOwner(arguments, owner, absent);
  if (!session) return session.error();
  const auto hooks = PrepareDown(*location, arguments, console);
  if (!hooks) return hooks.error();
  return BringTo(Node(), *hooks, *session, Tell::kSteps, console);
}

Outcome Delete(const Arguments& arguments, const Console& console) {
  const Error absent{.code = ErrorCode::kNotFound,
                     .message = "the owner " + arguments.owner + " has nothing here",
                     .hint = "`wgnet status` lists all owners"};
  auto session = OpenOwner(arguments, arguments.owner, absent);
  if (!session) return session.error();
  return BringTo(Node(), {}, *session, Tell::kSummary, console);
}

}  // namespace cli
