// SPDX-License-Identifier: MIT OR Apache-2.0
// Commands of the user's, as steps of a plan.
#ifndef WGNET_PLAN_HOOKS_H_
#define WGNET_PLAN_HOOKS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "src/plan/op.h"
#include "wgnet/error.h"
#include "wgnet/plan.h"
#include "wgnet/process.h"

namespace wgnet::plan {

struct HookStep {
  size_t before_op = 0;  // of the plan's ops; one behind the last: when all are done
  std::string command;   // for bash(1)
};

/// The hooks that a plan runs, in their order: those of "up" if it makes a link, those of "down" if
/// it removes one.
std::vector<HookStep> PlaceHooks(const Hooks& hooks, const std::vector<Op>& ops);

/// As wg-quick(8) runs it: it ends at the first command that fails.
Process ProcessOf(const HookStep& hook);
/// The same, for a shell.
std::string ShellCommandOf(const HookStep& hook);

/// Why it is not done. `status` is what running it returned.
Error HookError(const HookStep& hook, int status);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_HOOKS_H_
