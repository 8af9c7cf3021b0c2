// SPDX-License-Identifier: MIT OR Apache-2.0
// Whether a report names what a rollback left.
#ifndef WGNET_TESTS_SUPPORT_LEFTOVERS_H_
#define WGNET_TESTS_SUPPORT_LEFTOVERS_H_

#include <string>

#include "wgnet/error.h"

namespace wgnet::testing {

/// The lines of a difference between two states, as DifferenceOf gives it, that no leftover of the
/// report names. What the kernel makes and moves by itself goes with what it does that for: routes
/// with an address, settings with a link or with one for all links.
std::string UnnamedIn(const std::string& difference, const RollbackReport& report);

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_LEFTOVERS_H_
