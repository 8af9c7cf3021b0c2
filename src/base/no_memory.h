// SPDX-License-Identifier: MIT OR Apache-2.0
// The library throws nothing; the allocator may.
#ifndef WGNET_BASE_NO_MEMORY_H_
#define WGNET_BASE_NO_MEMORY_H_

#include <new>

#include "wgnet/error.h"

namespace wgnet {

/// Calls `body`, which returns a Result, and makes an Error of std::bad_alloc. Its texts are so
/// short that they need no memory.
template <class Body>
auto CatchNoMemory(Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return Error{.code = ErrorCode::kNoMemory, .message = "out of memory", .hint = "free memory"};
  }
}

}  // namespace wgnet

#endif  // WGNET_BASE_NO_MEMORY_H_
