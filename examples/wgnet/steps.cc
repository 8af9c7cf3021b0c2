// SPDX-License-Identifier: MIT OR Apache-2.0
#include "steps.h"

namespace cli {
namespace {

bool IsHook(const wgnet::PlanOp& step) { return step.kind == "hook"; }

void Tell(const wgnet::PlanOp& step, const Console& console) {
  for (const std::string& command : step.commands) console.Step(command);
}

}  // namespace

void StepTeller::Begin(const wgnet::Plan& plan) {
  steps_ = plan.ops();
  next_ = 0;
  TellUntilHook();
}

int StepTeller::Run(const wgnet::Process& process) {
  TellHook(process.arguments.back());
  const int status = system_->Run(process);
  if (status == 0) TellUntilHook();
  return status;
}

wgnet::Status StepTeller::Take(const std::string& command,
                               const std::function<wgnet::Status()>& action) {
  TellHook(command);
  wgnet::Status done = action();
  if (done) TellUntilHook();
  return done;
}

void StepTeller::TellUntilHook() {
  for (; next_ < steps_.size() && !IsHook(steps_[next_]); ++next_) Tell(steps_[next_], console_);
}

// What is no step of its own is not told.
void StepTeller::TellHook(const std::string& command) {
  if (next_ < steps_.size() && steps_[next_].commands.front() == command) {
    Tell(steps_[next_++], console_);
  }
}

}  // namespace cli
