// SPDX-License-Identifier: MIT OR Apache-2.0
// Tells the steps of a plan as they are taken.
#ifndef WGNET_EXAMPLES_WGNET_STEPS_H_
#define WGNET_EXAMPLES_WGNET_STEPS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "console.h"
#include "wgnet/plan.h"
#include "wgnet/process.h"

namespace cli {

/// Each step is told before it is taken: those up to a hook at once, the hook when its turn comes,
/// so that what it prints stands below it, and what follows it only if it succeeds.
class StepTeller final : public wgnet::ProcessRunner {
 public:
  explicit StepTeller(const Console& console) : console_(console) {}

  /// The plan that is carried out next.
  void Begin(const wgnet::Plan& plan);
  int Run(const wgnet::Process& process) override;
  /// The same for a step that no program does, but `action`.
  wgnet::Status Take(const std::string& command, const std::function<wgnet::Status()>& action);

 private:
  void TellUntilHook();
  void TellHook(const std::string& command);

  Console console_;
  std::shared_ptr<wgnet::ProcessRunner> system_ = wgnet::SystemProcessRunner();
  std::vector<wgnet::PlanOp> steps_;
  size_t next_ = 0;  // the first that has not been told
};

}  // namespace cli

#endif  // WGNET_EXAMPLES_WGNET_STEPS_H_
