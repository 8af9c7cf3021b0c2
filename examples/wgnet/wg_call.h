// SPDX-License-Identifier: MIT OR Apache-2.0
// The program under the name wg.
#ifndef WGNET_EXAMPLES_WGNET_WG_CALL_H_
#define WGNET_EXAMPLES_WGNET_WG_CALL_H_

#include <string>
#include <vector>

namespace cli {

/// Does what wg(8) does with these words, in its own grammar; `program` is how it was called.
/// Returns its exit status, 0 or 1.
int CallAsWg(const std::string& program, std::vector<std::string> words);

}  // namespace cli

#endif  // WGNET_EXAMPLES_WGNET_WG_CALL_H_
