// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/plan.h"

#include <utility>

#include "src/plan/explain.h"
#include "src/plan/plan_data.h"

namespace wgnet {

bool Plan::empty() const { return size() == 0; }

size_t Plan::size() const { return data_->ops.size() + data_->hooks.size(); }

std::vector<PlanOp> Plan::ops() const {
  std::vector<PlanOp> ops;
  const auto add_op = [&](const plan::Op& op) {
    ops.push_back({.verb = std::string(kernel::VerbName(op.verb)),
                   .kind = std::string(kernel::KindOf(op.object)),
                   .commands = CommandsOf(op, plan::SecretFileOf(op)),
                   .loses_state = plan::LosesState(op.phase),
                   .foreign = op.foreign,
                   .undo_only = op.undo_only});
  };
  plan::ForEachStep(*data_, add_op, [&](const plan::HookStep& hook) {
    ops.push_back({.verb = "run", .kind = "hook", .commands = {hook.command}});
  });
  return ops;
}

const std::vector<std::string>& Plan::warnings() const { return data_->warnings; }

std::string Plan::Explain() const { return plan::Explain(*data_); }

Status Plan::ExplainScript(const std::string& directory) const {
  return plan::ExplainScript(*data_, directory);
}

std::string Plan::ToJson(Secrets secrets) const {
  JsonWriter out;
  out.Object([&] {
    out.Key("schema").String("wgnet/1");
    out.Key("owner").String(data_->after.owner);
    out.Key("ops").Array([&] {
      plan::ForEachStep(
          *data_, [&](const plan::Op& op) { plan::WriteJson(op, secrets, out); },
          [&](const plan::HookStep& hook) { plan::WriteJson(hook, out); });
    });
    out.Key("warnings").Array([&] {
      for (const std::string& warning : data_->warnings) out.String(warning);
    });
  });
  return out.text();
}

Plan Plan::Undo() const {
  auto undo = std::make_shared<plan::PlanData>();
  for (size_t i = data_->ops.size(); i-- > 0;) {
    for (plan::Op& op : plan::InverseOf(data_->ops[i])) undo->ops.push_back(std::move(op));
  }
  undo->before = data_->after;
  undo->after = data_->before;
  undo->others = data_->others;
  undo->of_device = data_->of_device;
  return Plan(std::move(undo));
}

}  // namespace wgnet
