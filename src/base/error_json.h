// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_BASE_ERROR_JSON_H_
#define WGNET_BASE_ERROR_JSON_H_

#include "src/base/json_writer.h"
#include "wgnet/error.h"

namespace wgnet {

/// The member "error" of a document.
void WriteJson(const Error& error, JsonWriter& out);

}  // namespace wgnet

#endif  // WGNET_BASE_ERROR_JSON_H_
