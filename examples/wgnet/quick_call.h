// SPDX-License-Identifier: MIT OR Apache-2.0
// The program under the name wg-quick.
#ifndef WGNET_EXAMPLES_WGNET_QUICK_CALL_H_
#define WGNET_EXAMPLES_WGNET_QUICK_CALL_H_

#include <string>
#include <vector>

namespace cli {

/// Does what wg-quick(8) does with these words; `program` is how it was called. Returns its exit
/// status, 0 or 1.
int CallAsQuick(const std::string& program, const std::vector<std::string>& words);

}  // namespace cli

#endif  // WGNET_EXAMPLES_WGNET_QUICK_CALL_H_
