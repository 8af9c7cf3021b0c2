// SPDX-License-Identifier: MIT OR Apache-2.0
// Settings that owners share, as claims: the first one's original comes back with the last.
#ifndef WGNET_PLAN_DIFF_SETTINGS_H_
#define WGNET_PLAN_DIFF_SETTINGS_H_

#include <span>

#include "src/plan/diff.h"

namespace wgnet::plan {

/// Adds what is to be done for settings, and the claims that are then recorded.
Status DiffSettings(const Desired& desired, const Snapshot& snapshot, const Record& own,
                    std::span<const Record> others, Difference& difference);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_DIFF_SETTINGS_H_
