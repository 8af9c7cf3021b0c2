// SPDX-License-Identifier: MIT OR Apache-2.0
// JSON in: a document as a tree, with its first mistake named.
#ifndef WGNET_BASE_JSON_READER_H_
#define WGNET_BASE_JSON_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "src/base/secret_memory.h"
#include "wgnet/error.h"

namespace wgnet {

struct JsonMember;

/// A string of a document may be a key, so it lives in secret memory. Nothing here allocates when
/// it is destroyed.
struct JsonValue {
  using List = std::vector<JsonValue>;
  using Object = std::vector<JsonMember>;
  struct Null {};
  std::variant<Null, bool, int64_t, uint64_t, double, SecretString, List, Object> value;

  template <class T>
  const T* As() const {
    return std::get_if<T>(&value);
  }
  /// The member of an object; null where there is none, or no object.
  const JsonValue* Find(std::string_view member) const;
  /// "an object", "a list", "a string", ...
  std::string_view TypeName() const;
};

struct JsonMember {
  std::string name;
  JsonValue value;
};

/// The path one member deeper: "interfaces[0].mtu", in quotes where it does not look like a name.
std::string JsonPath(std::string_view path, std::string_view member);

inline constexpr size_t kMostJsonBytes = 64 << 20;
inline constexpr size_t kMostJsonDepth = 32;

/// Reads one document of RFC 8259, in which no object has a member twice. An error is a kParse
/// whose `where` is LINE:COLUMN, or a path.
Result<JsonValue> ReadJson(std::string_view text);

}  // namespace wgnet

#endif  // WGNET_BASE_JSON_READER_H_
