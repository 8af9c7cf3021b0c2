// SPDX-License-Identifier: MIT OR Apache-2.0
// The ops that bring the kernel from what it has to what is wanted, and no more.
#ifndef WGNET_PLAN_DIFF_H_
#define WGNET_PLAN_DIFF_H_

#include <span>
#include <string>
#include <vector>

#include "src/plan/lowering.h"
#include "src/plan/op.h"
#include "src/plan/snapshot.h"

namespace wgnet::plan {

struct Difference {
  std::vector<Op> ops;  // in the order of their phases
  Record record;        // the owner's, once they are done
  std::vector<std::string> warnings;
};

/// What must be read to compare.
Scope ScopeOf(const Desired& desired, const Record& own, const Facts& facts);

/// Compares. An object of another's that stands where one of ours should is an error.
Result<Difference> Diff(const Desired& desired, const Snapshot& snapshot, const Record& own,
                        std::span<const Record> others);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_DIFF_H_
