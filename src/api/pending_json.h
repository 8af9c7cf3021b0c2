// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_API_PENDING_JSON_H_
#define WGNET_API_PENDING_JSON_H_

#include "src/base/json_writer.h"
#include "wgnet/confirm.h"

namespace wgnet {

/// The members of an object.
void WriteJson(const PendingChange& change, JsonWriter& out);

}  // namespace wgnet

#endif  // WGNET_API_PENDING_JSON_H_
