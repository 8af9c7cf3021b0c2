// SPDX-License-Identifier: MIT OR Apache-2.0
// What a rollback did, in words and as the members of a JSON object.
#ifndef WGNET_BASE_ROLLBACK_TEXT_H_
#define WGNET_BASE_ROLLBACK_TEXT_H_

#include <string>

#include "src/base/json_writer.h"
#include "wgnet/error.h"

namespace wgnet {

/// To be put behind what failed.
std::string OutcomeText(const RollbackReport& rollback);
void WriteJson(const RollbackReport& rollback, JsonWriter& out);

}  // namespace wgnet

#endif  // WGNET_BASE_ROLLBACK_TEXT_H_
