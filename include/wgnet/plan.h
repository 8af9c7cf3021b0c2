// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_PLAN_H_
#define WGNET_PLAN_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "wgnet/error.h"
#include "wgnet/key.h"

namespace wgnet {

namespace plan {
struct PlanData;
}

/// Commands for bash(1), as a wg-quick(8) file has them. They are steps of a plan: one that fails
/// takes the whole plan back, but what hooks did stays.
struct Hooks {
  /// What the embedder does itself, on the thread that applies the plan.
  struct Action {
    std::string command;          ///< one that does the same, for those to whom steps are told
    std::function<Status()> run;  ///< its error fails the plan
  };

  std::vector<std::string> pre_up;     ///< when a link is made, before anything is set on it
  std::vector<std::string> post_up;    ///< when a link is made, and all is done and verified
  std::vector<std::string> pre_down;   ///< before anything, when a link is removed
  std::vector<std::string> post_down;  ///< when a link is removed, and all is done and verified

  /// When a link is removed: after pre_down, and before anything goes, such as saving what it has.
  std::optional<Action> before_removal;
};

/// One step of a plan.
struct PlanOp {
  std::string verb;                   ///< "add", "change" or "delete"; "run" of a hook
  std::string kind;                   ///< "link", "route", "nft_chain", ..., or "hook"
  std::vector<std::string> commands;  ///< the `ip`, `wg`, `nft` or `sysctl` commands that do it
  bool loses_state = false;  ///< ends WireGuard sessions; done only after the rest was verified
  bool foreign = false;      ///< somebody else's object, lost with the link or table that it is in
  bool undo_only = false;    ///< all stays as it is: done only where the plan is taken back
};

/// What has to be done to bring the kernel to a node: a value that can be printed, kept and
/// applied. It holds keys; no text of it does, but where it is asked for by name.
class Plan {
 public:
  /// Whether there is nothing to do.
  bool empty() const;
  size_t size() const;
  std::vector<PlanOp> ops() const;
  /// What a user should know before applying it.
  const std::vector<std::string>& warnings() const;

  /// Every step as shell commands, one on a line. Keys stand as "$WGNET_SECRETS/wg0.key", see
  /// ExplainScript. What the tools cannot say is a comment "# not expressible: ...".
  std::string Explain() const;
  /// Writes the commands as `apply.sh`, with the files of the keys beside it (mode 0600), into a
  /// directory, which is made for this user alone. It does what Apply does, without its promises.
  Status ExplainScript(const std::string& directory) const;
  /// A document of schema "wgnet/1".
  std::string ToJson(Secrets secrets = Secrets::kHide) const;

  /// The plan that takes this one back, once it has been applied. What WireGuard knows of its
  /// sessions does not come back, and it runs no hooks.
  Plan Undo() const;

  explicit Plan(std::shared_ptr<const plan::PlanData> data) : data_(std::move(data)) {}
  const plan::PlanData& data() const { return *data_; }

 private:
  std::shared_ptr<const plan::PlanData> data_;
};

}  // namespace wgnet

#endif  // WGNET_PLAN_H_
