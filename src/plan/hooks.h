// SPDX-License-Identifier: MIT OR Apache-2.0
// What the user has done besides, as steps of a plan.
#ifndef WGNET_PLAN_HOOKS_H_
#define WGNET_PLAN_HOOKS_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "src/plan/op.h"
#include "wgnet/error.h"
#include "wgnet/plan.h"
#include "wgnet/process.h"

namespace wgnet::plan {

struct HookStep {
  size_t before_op = 0;  // of the plan's ops; one behind the last: when all are done
  std::string command;   // for bash(1), if there is no action
  std::function<Status()> action;
};

/// The hooks that a plan runs, in their order: those of "up" if it makes a link, those of "down" if
/// it removes one.
std::vector<HookStep> PlaceHooks(const Hooks& hooks, const std::vector<Op>& ops);

/// Does the step: a command by `run`, which returns what ProcessRunner::Run does.
Status RunHook(const HookStep& hook, const std::function<int(const Process&)>& run);
/// The step for a shell, as wg-quick(8) runs it: it ends at the first command that fails.
std::string ShellCommandOf(const HookStep& hook);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_HOOKS_H_
