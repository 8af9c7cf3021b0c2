// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/hooks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "src/base/text.h"

namespace wgnet::plan {
namespace {

bool HasLink(kernel::Verb verb, const std::vector<Op>& ops) {
  return std::any_of(ops.begin(), ops.end(), [&](const Op& op) {
    return op.verb == verb && std::holds_alternative<kernel::Link>(op.object);
  });
}

// When the links are there, and nothing else of them.
size_t BeforeDevices(const std::vector<Op>& ops) {
  const auto found =
      std::find_if(ops.begin(), ops.end(), [](const Op& op) { return op.phase >= Phase::kDevice; });
  return static_cast<size_t>(found - ops.begin());
}

Process ProcessOf(const HookStep& hook) {
  return {.arguments = {"bash", "-e", "-o", "pipefail", "-O", "extglob", "-c", hook.command},
          .environment = {"LC_ALL=C"}};
}

// `status` is what running it returned.
Error HookError(const HookStep& hook, int status) {
  Error error{.code = ErrorCode::kHook,
              .hint = "everything else is taken back; what the hooks did stays",
              .command = hook.command};
  if (status < 0) {
    error.message = fmt::format("bash cannot be run: {}", std::strerror(-status));
    error.error_number = -status;
    error.hint = "hooks need bash(1)";
  } else {
    error.message = fmt::format("the hook ended with status {}", status);
  }
  return error;
}

}  // namespace

std::vector<HookStep> PlaceHooks(const Hooks& hooks, const std::vector<Op>& ops) {
  std::vector<HookStep> steps;
  const auto place = [&](const std::vector<std::string>& commands, size_t before_op) {
    for (const std::string& command : commands) steps.push_back({before_op, command, nullptr});
  };
  const bool adds = HasLink(kernel::Verb::kAdd, ops);
  const bool removes = HasLink(kernel::Verb::kDelete, ops);
  if (removes) place(hooks.pre_down, 0);
  if (removes && hooks.before_removal) {
    steps.push_back({0, hooks.before_removal->command, hooks.before_removal->run});
  }
  if (adds) place(hooks.pre_up, BeforeDevices(ops));
  if (removes) place(hooks.post_down, ops.size());
  if (adds) place(hooks.post_up, ops.size());
  return steps;
}

std::string ShellCommandOf(const HookStep& hook) {
  if (hook.action) return hook.command;
  const Process process = ProcessOf(hook);
  std::string text;
  for (const std::string& variable : process.environment) text += variable + " ";
  for (const std::string& argument : process.arguments) {
    text += (&argument == &process.arguments.front() ? "" : " ") + QuoteForShell(argument);
  }
  return text;
}

Status RunHook(const HookStep& hook, const std::function<int(const Process&)>& run) {
  if (hook.action) return hook.action();
  const int status = run(ProcessOf(hook));
  if (status == 0) return {};
  return HookError(hook, status);
}

}  // namespace wgnet::plan
