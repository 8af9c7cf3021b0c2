// SPDX-License-Identifier: MIT OR Apache-2.0
// plan, apply, up, down, delete: bringing the kernel to a node.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "command.h"
#include "input.h"
#include "steps.h"
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

// Tells the steps, and not how many they are; null where nobody is to be told.
using Teller = std::shared_ptr<StepTeller>;

Teller TellerFor(const Console& console) {
  return console.json() ? nullptr : std::make_shared<StepTeller>(console);
}

void Announce(const wgnet::Plan& plan, const Console& console) {
  if (console.json()) return;  // the document holds it all
  for (const std::string& warning : plan.warnings()) console.Warn(warning);
}

// What was not known when the plan was announced.
void WarnOfNew(const wgnet::ApplyReport& report, const wgnet::Plan& plan, const Console& console) {
  const auto& known = plan.warnings();
  for (const std::string& warning : report.warnings) {
    if (std::find(known.begin(), known.end(), warning) == known.end()) console.Warn(warning);
  }
}

Outcome Conclude(const wgnet::Plan& plan, const Teller& teller, const Console& console) {
  if (console.json()) return DoneIf(console.Print(plan.ToJson() + "\n"));
  if (teller) return ExitStatus::kDone;
  if (plan.empty()) return DoneIf(console.Print("nothing to do\n"));
  return DoneIf(console.Print(std::to_string(plan.size()) + " steps done\n"));
}

Outcome PrintPlan(const wgnet::Plan& plan, const Console& console) {
  return DoneIf(console.Print(console.json() ? plan.ToJson() + "\n"
                              : plan.empty() ? "# nothing to do\n"
                                             : plan.Explain()));
}

// A plan that the kernel has left behind is made anew. `apply(plan)` carries it out, and
// `conclude(plan, report)` tells of it.
template <class MakePlan, class ApplyPlan, class ConcludePlan>
Outcome CarryOut(const MakePlan& make_plan, const ApplyPlan& apply, const ConcludePlan& conclude,
                 Session& session, const Teller& teller, const Console& console) {
  console.WarnOf(session.recovered());
  for (int attempt = 1;; ++attempt) {
    const auto plan = make_plan();
    if (!plan) return plan.error();
    Announce(*plan, console);
    if (teller) teller->Begin(*plan);
    const auto done = apply(*plan);
    if (done) {
      WarnOfNew(*done, *plan, console);
      return conclude(*plan, *done);
    }
    if (done.error().code != ErrorCode::kStale || attempt == kMostAttempts) return done.error();
    console.Warn("the kernel changed meanwhile; planning again");
  }
}

template <class MakePlan>
Outcome CarryOut(const MakePlan& make_plan, Session& session, const Teller& teller,
                 const Console& console) {
  const auto apply = [&](const wgnet::Plan& plan) { return session.Apply(plan); };
  const auto conclude = [&](const wgnet::Plan& plan, const wgnet::ApplyReport&) {
    return Conclude(plan, teller, console);
  };
  return CarryOut(make_plan, apply, conclude, session, teller, console);
}

Outcome BringTo(const Node& node, const wgnet::Hooks& hooks, Session& session, const Teller& teller,
                const Console& console) {
  return CarryOut([&] { return session.Plan(node, hooks); }, session, teller, console);
}

Result<Input> Load(const Arguments& arguments, HookUse use, const Console& console) {
  auto input = LoadInput(arguments, use);
  if (input) {
    for (const std::string& warning : input->warnings) console.Warn(warning);
  }
  return input;
}

// `up` takes over what is up already.
Arguments WithAdoption(Arguments arguments, HookUse use, const Input& input) {
  if (!arguments.adopt && use != HookUse::kRun) return arguments;
  for (const wgnet::Interface& interface : input.node.interfaces()) {
    arguments.session.adopt.push_back(interface.name());
  }
  return arguments;
}

Outcome BringToInput(const Arguments& arguments, HookUse use, const Teller& teller,
                     const Console& console) {
  const auto input = Load(arguments, use, console);
  if (!input) return input.error();
  auto session = OpenResolvingSession(WithAdoption(arguments, use, *input), input->owner, teller);
  if (!session) return session.error();
  return BringTo(input->node, input->hooks, *session, teller, console);
}

bool HasName(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What the owner has, or may take over: an interface that is nobody's.
Result<bool> HasAnything(Session& session, const std::string& owner,
                         const std::vector<std::string>& adopt) {
  const auto snapshot = session.Snapshot();
  if (!snapshot) return snapshot.error();
  const auto& owners = snapshot->owners;
  const auto& devices = snapshot->devices;
  return std::any_of(owners.begin(), owners.end(),
                     [&](const wgnet::OwnerStatus& status) { return status.owner == owner; }) ||
         std::any_of(devices.begin(), devices.end(), [&](const wgnet::DeviceStatus& device) {
           return HasName(adopt, device.name) &&
                  std::none_of(owners.begin(), owners.end(), [&](const auto& status) {
                    return HasName(status.interfaces, device.name);
                  });
         });
}

// The session of an owner; `absent` is the error when he has nothing.
Result<Session> OpenOwner(const Arguments& arguments, const std::string& owner, const Error& absent,
                          const Teller& teller) {
  auto session = OpenSession(arguments, owner, teller);
  if (!session) return session.error();
  const auto has = HasAnything(*session, owner, arguments.session.adopt);
  if (!has) return has.error();
  if (!*has) return absent;
  return session;
}

// A word of a shell's.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

// Should the plan be taken back later, then the file says what the interface has again.
wgnet::Hooks::Action Saving(ConfFile file, const ConfFile::Location& location,
                            const Arguments& arguments, const Teller& teller) {
  std::string command = "wgnet save " + Quoted(arguments.input);
  const auto shared = std::make_shared<const ConfFile>(std::move(file));
  const auto save = [=] { return SaveState(*shared, location, arguments); };
  if (!teller) return {std::move(command), save};
  return {command, [=] { return teller->Take(command, save); }};
}

// What the file as it is now, which need not be that of `up`, has done before the interface goes,
// and with it.
Result<wgnet::Hooks> HooksOfDown(const ConfFile::Location& location, const Arguments& arguments,
                                 const Teller& teller, const Console& console) {
  if (arguments.skip_hooks) return wgnet::Hooks();
  auto file = ConfFile::Read(location.path);
  if (file) {
    wgnet::Hooks hooks = file->HooksFor(location.interface);
    if (file->save_config()) {
      hooks.before_removal = Saving(*std::move(file), location, arguments, teller);
    }
    return hooks;
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
  return CarryOut([&] { return session.Plan(reresolve); }, session, TellerFor(console), console);
}

Outcome Plan(const Arguments& arguments, const Console& console) {
  const auto input = Load(arguments, HookUse::kNone, console);
  if (!input) return input.error();
  auto session =
      OpenResolvingSession(WithAdoption(arguments, HookUse::kNone, *input), input->owner);
  if (!session) return session.error();
  const auto plan = session->Plan(input->node);
  if (!plan) return plan.error();
  Announce(*plan, console);
  if (!arguments.script.empty()) {
    if (const auto written = plan->ExplainScript(arguments.script); !written)
      return written.error();
  }
  if (const auto printed = PrintPlan(*plan, console); !printed) return printed.error();
  return arguments.exit_code && !plan->empty() ? ExitStatus::kPending : ExitStatus::kDone;
}

Outcome Apply(const Arguments& arguments, const Console& console) {
  const auto confirm = ConfirmOptionsOf(arguments);
  if (!confirm) return confirm.error();
  if (!*confirm) return BringToInput(arguments, HookUse::kNone, nullptr, console);
  const auto input = Load(arguments, HookUse::kNone, console);
  if (!input) return input.error();
  auto session =
      OpenResolvingSession(WithAdoption(arguments, HookUse::kNone, *input), input->owner);
  if (!session) return session.error();
  const auto plan = [&] { return session->Plan(input->node); };
  const auto apply = [&](const wgnet::Plan& made) { return session->Apply(made, **confirm); };
  const auto conclude = [&](const wgnet::Plan& made, const wgnet::ApplyReport& report) -> Outcome {
    if (!report.pending) return Conclude(made, nullptr, console);
    return AwaitConfirmation(*report.pending, arguments, *session, console);
  };
  return CarryOut(plan, apply, conclude, *session, nullptr, console);
}

Outcome Up(const Arguments& arguments, const Console& console) {
  return BringToInput(arguments, HookUse::kRun, TellerFor(console), console);
}

Outcome Down(const Arguments& given, const Console& console) {
  const auto location = wgnet::ConfFile::Locate(given.input);
  if (!location) return location.error();
  Arguments arguments = given;
  arguments.session.adopt = {location->interface};
  const std::string owner =
      arguments.owner.empty() ? QuickOwner(location->interface) : arguments.owner;
  const Error absent{.code = ErrorCode::kNotFound,
                     .message = location->interface + " is not up",
                     .hint = "`wgnet status` lists what is"};
  const Teller teller = TellerFor(console);
  auto session = OpenOwner(arguments, owner, absent, teller);
  if (!session) return session.error();
  const auto hooks = HooksOfDown(*location, arguments, teller, console);
  if (!hooks) return hooks.error();
  return BringTo(Node(), *hooks, *session, teller, console);
}

Outcome Delete(const Arguments& arguments, const Console& console) {
  const Error absent{.code = ErrorCode::kNotFound,
                     .message = "the owner " + arguments.owner + " has nothing here",
                     .hint = "`wgnet status` lists all owners"};
  auto session = OpenOwner(arguments, arguments.owner, absent, nullptr);
  if (!session) return session.error();
  return BringTo(Node(), {}, *session, nullptr, console);
}

Outcome Gc(const Arguments& arguments, const Console& console) {
  auto session = OpenSession(arguments, arguments.session.owner);
  if (!session) return session.error();
  if (!arguments.dry_run) {
    return CarryOut([&] { return session->PlanCleanup(); }, *session, nullptr, console);
  }
  const auto plan = session->PlanCleanup();
  if (!plan) return plan.error();
  return PrintPlan(*plan, console);
}

Outcome Recover(const Arguments& arguments, const Console& console) {
  auto session = OpenSession(arguments, arguments.session.owner);
  if (!session) return session.error();
  const auto report = session->Recover();
  if (!report) return report.error();
  if (console.json()) return Concluded(*report, console.Print(report->ToJson() + "\n"));
  for (const std::string& warning : report->warnings) console.Warn(warning);
  const bool any = !report->owners.empty() || !report->cut_off.empty();
  std::string text = any ? "" : "nothing to recover\n";
  for (const auto& each : report->cut_off) text += each.ToString() + "\n";
  for (const auto& each : report->owners) {
    text += each.owner + ": " + std::to_string(each.steps) + " steps done\n";
  }
  return Concluded(*report, console.Print(text));
}

}  // namespace cli
