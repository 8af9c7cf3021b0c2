// SPDX-License-Identifier: MIT OR Apache-2.0
// Texts that are kept in the tree and compared with what the code gives today.
#ifndef WGNET_TESTS_SUPPORT_GOLDEN_H_
#define WGNET_TESTS_SUPPORT_GOLDEN_H_

#include <string>

namespace wgnet::testing {

/// Compares `text` with the file. Returns the empty text, or the lines that differ with - and +
/// before them. With WGNET_UPDATE_GOLDENS=1 in the environment it writes the file instead, and says
/// so: such a run never passes. Read the change with `git diff` before it is committed.
std::string CompareWithGolden(const std::string& path, const std::string& text);

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_GOLDEN_H_
