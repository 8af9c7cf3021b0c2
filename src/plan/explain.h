// SPDX-License-Identifier: MIT OR Apache-2.0
// A plan in words: commands, a script, JSON.
#ifndef WGNET_PLAN_EXPLAIN_H_
#define WGNET_PLAN_EXPLAIN_H_

#include <string>

#include "src/plan/plan_data.h"
#include "wgnet/error.h"

namespace wgnet::plan {

/// Names the file that holds a key of the op's object: "$WGNET_SECRETS/wg0.key".
netlink::SecretWord SecretFileOf(const Op& op);

/// The op's commands, on lines.
std::string Explain(const Op& op);

/// The op's first command, for messages; empty where it has none.
std::string FirstCommandOf(const Op& op);

/// Every step's commands, on lines.
std::string Explain(const PlanData& plan);

/// Writes `apply.sh`, and for each key a file, into a directory: all of mode 0600 but the script,
/// which is 0700. The directory is made, for this user alone.
Status ExplainScript(const PlanData& plan, const std::string& directory);

/// {"verb": ..., "kind": ..., "object": {...}, "commands": [...]}
void WriteJson(const Op& op, Secrets secrets, JsonWriter& out);
void WriteJson(const HookStep& hook, JsonWriter& out);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_EXPLAIN_H_
