// SPDX-License-Identifier: MIT OR Apache-2.0
// What the builders' setters have in common.
#ifndef WGNET_API_SETTER_H_
#define WGNET_API_SETTER_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "wgnet/error.h"

namespace wgnet {

/// Keeps the first mistake.
inline void Remember(std::optional<Error>& first, Error error, std::string where) {
  if (first) return;
  error.where = std::move(where);
  first = std::move(error);
}

inline Error Invalid(std::string message, std::string hint) {
  return {
      .code = ErrorCode::kInvalidArgument, .message = std::move(message), .hint = std::move(hint)};
}

/// Hands on a parsed value, or remembers why there is none.
template <class T, class Set>
void SetParsed(Result<T> parsed, std::optional<Error>& first, std::string where, Set&& set) {
  if (parsed) {
    set(*std::move(parsed));
  } else {
    Error error = std::move(parsed).error();
    error.code = ErrorCode::kInvalidArgument;
    Remember(first, std::move(error), std::move(where));
  }
}

/// A name that a link can have: 1 to 15 bytes, no slash, colon, percent sign or white space, not
/// "." or "..".
Result<std::string> CheckLinkName(std::string_view name);
/// The same, or with a `*` at the end.
Result<std::string> CheckLinkPattern(std::string_view pattern);

}  // namespace wgnet

#endif  // WGNET_API_SETTER_H_
