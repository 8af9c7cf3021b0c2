// SPDX-License-Identifier: MIT OR Apache-2.0
// The records of all owners in a namespace.
#ifndef WGNET_PLAN_RECORDS_H_
#define WGNET_PLAN_RECORDS_H_

#include <string>
#include <vector>

#include "src/plan/record.h"
#include "src/plan/state_dir.h"

namespace wgnet::plan {

/// The owner's record, and the others', sorted by owner.
struct Records {
  Record own;
  std::vector<Record> others;
};

Result<Records> LoadRecords(const StateDir& state_dir, const std::string& owner);

/// Of the others': their claims and numbers decide what a plan puts back and chooses.
std::string DigestOf(const std::vector<Record>& records);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_RECORDS_H_
