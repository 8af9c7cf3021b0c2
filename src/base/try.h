// SPDX-License-Identifier: MIT OR Apache-2.0
// Early return of errors.
#ifndef WGNET_BASE_TRY_H_
#define WGNET_BASE_TRY_H_

#include <utility>

#include "wgnet/error.h"

#define WGNET_CONCAT_INNER(a, b) a##b
#define WGNET_CONCAT(a, b) WGNET_CONCAT_INNER(a, b)

/// WGNET_RETURN_IF_ERROR(status): leaves the function with the error, if there is one.
#define WGNET_RETURN_IF_ERROR(expression)                             \
  do {                                                                \
    if (auto wgnet_status = (expression); !wgnet_status) [[unlikely]] \
      return std::move(wgnet_status).error();                         \
  } while (false)

/// WGNET_ASSIGN_OR_RETURN(auto value, result): declares or assigns the value, or leaves.
#define WGNET_ASSIGN_OR_RETURN(target, expression) \
  WGNET_ASSIGN_OR_RETURN_INNER(WGNET_CONCAT(wgnet_result_, __LINE__), target, expression)
#define WGNET_ASSIGN_OR_RETURN_INNER(result, target, expression) \
  auto result = (expression);                                    \
  if (!result) [[unlikely]]                                      \
    return std::move(result).error();                            \
  target = std::move(result).value()

#endif  // WGNET_BASE_TRY_H_
