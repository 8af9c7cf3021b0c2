// SPDX-License-Identifier: MIT OR Apache-2.0
// A row says all there is to say of one kernel attribute: its number, how it is written on the
// wire, the member that holds it, its names in JSON and in commands, and what it is for.
#ifndef WGNET_NETLINK_ROW_H_
#define WGNET_NETLINK_ROW_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

#include "src/netlink/message.h"

namespace wgnet::netlink {

enum class Role : uint8_t {
  kKey,       // tells the object from others of its kind
  kValue,     // compared, and changed when it differs
  kSecret,    // a value that is never printed
  kInitial,   // sent when the object is made or its configured value changed; never compared with
              // the kernel, which may move it on
  kObserved,  // reported by the kernel; never sent, never compared
};

/// When a value of a new object is sent.
enum class Stage : uint8_t {
  kCreate,  // in the message that makes the object
  kSwitch,  // there too; but a change of it comes when what goes by the new value stands
  kAfter,   // in a second one, right behind: the kernel ignores it in the first
  kLast,    // when all that hangs on the object stands
};

template <class Object, class Wire>
struct Row {
  using WireType = Wire;
  uint16_t attribute;
  std::string_view json;
  std::string_view word;  // "" prints the bare value, kNoWord nothing, "/" glues to the word before
  std::optional<typename Wire::Value> Object::*member;
  Role role;
  Stage stage;
};

inline constexpr std::string_view kNoWord = "-";

/// For wires that live in the family header, or come from the message around the object.
inline constexpr uint16_t kNoAttribute = UINT16_MAX;

template <class Wire, class Object>
constexpr Row<Object, Wire> Attr(uint16_t attribute, std::string_view json, std::string_view word,
                                 std::optional<typename Wire::Value> Object::*member,
                                 Role role = Role::kValue, Stage stage = Stage::kCreate) {
  return {attribute, json, word, member, role, stage};
}

template <class Wire, class Object>
constexpr Row<Object, Wire> Header(std::string_view json, std::string_view word,
                                   std::optional<typename Wire::Value> Object::*member,
                                   Role role = Role::kValue, Stage stage = Stage::kCreate) {
  return {kNoAttribute, json, word, member, role, stage};
}

/// Specialised once for each kernel object. It has
///   using Header            the family header (rtmsg, genlmsghdr, ...)
///   kRows                   a std::tuple of rows, in the order of the wire and of the command
///   Replays(attribute)      whether an attribute that no row knows is kept, to be sent again when
///                           a deleted object is made anew; needed where the object has `extra`
///   Normalize(object)       optional: brings a decoded object to the form that lowering gives
template <class Object>
struct Schema;

/// Attributes that no row knows, as they came.
using Extra = std::vector<std::byte>;

template <class Object, class Visit>
constexpr void ForEachRow(Visit&& visit) {
  std::apply([&](const auto&... row) { (visit(row), ...); }, Schema<Object>::kRows);
}

}  // namespace wgnet::netlink

#endif  // WGNET_NETLINK_ROW_H_
