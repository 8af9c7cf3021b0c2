// SPDX-License-Identifier: MIT OR Apache-2.0
// The walks over an object's rows. None of them names an object or an attribute.
#ifndef WGNET_NETLINK_CODEC_H_
#define WGNET_NETLINK_CODEC_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>

#include "src/base/json_writer.h"
#include "src/base/text.h"
#include "src/netlink/message.h"
#include "src/netlink/row.h"
#include "src/netlink/wire.h"

namespace wgnet::netlink {

// ---- to and from bytes ----

/// Fills the family header from the rows for which `wanted(row)` holds.
template <class Object, class Header, class Wanted>
void EncodeHeader(const Object& object, Header& header, Wanted&& wanted) {
  ForEachRow<Object>([&]<class Wire>(const Row<Object, Wire>& row) {
    if constexpr (requires { Wire::PutHeader(header, *(object.*row.member)); }) {
      if (object.*row.member && wanted(row)) Wire::PutHeader(header, *(object.*row.member));
    }
  });
}

/// Puts the attributes of the rows for which `wanted(row)` holds.
template <class Object, class Wanted>
void EncodeAttributes(const Object& object, MessageWriter& out, Wanted&& wanted) {
  ForEachRow<Object>([&]<class Wire>(const Row<Object, Wire>& row) {
    if constexpr (requires { Wire::Put(out, row.attribute, *(object.*row.member)); }) {
      if (object.*row.member && wanted(row)) Wire::Put(out, row.attribute, *(object.*row.member));
    }
  });
}

enum class ExtraMode : uint8_t { kDrop, kKeep };

/// Back to the state of a new object, but keeping what memory its lists hold.
template <class Object>
void Reset(Object& object) {
  ForEachRow<Object>([&]<class Wire>(const Row<Object, Wire>& row) {
    auto& member = object.*row.member;
    if constexpr (requires { member->clear(); }) {
      if (member) member->clear();
    } else {
      member.reset();
    }
  });
  if constexpr (requires { object.extra; }) object.extra.clear();
}

template <class Object>
void KeepExtra(uint16_t type, Bytes payload, Object& object) {
  nlattr header{static_cast<uint16_t>(sizeof(nlattr) + payload.size()), type};
  const auto* bytes = reinterpret_cast<const std::byte*>(&header);
  object.extra.insert(object.extra.end(), bytes, bytes + sizeof header);
  object.extra.insert(object.extra.end(), payload.begin(), payload.end());
  object.extra.resize(NLA_ALIGN(object.extra.size()));
}

/// Reads one attribute into the members whose rows have its number. False when it is malformed.
template <class Object>
bool DecodeAttribute(uint16_t type, Bytes payload, ExtraMode extra, Object& object) {
  bool known = false;
  bool sound = true;
  ForEachRow<Object>([&]<class Wire>(const Row<Object, Wire>& row) {
    if constexpr (
        requires { Wire::Get; } || requires { Wire::GetInto; }) {
      if (row.attribute != type) return;
      known = true;
      sound = GetValue<Wire>(payload, object.*row.member) && sound;
    }
  });
  if constexpr (requires { object.extra; }) {
    if (!known && extra == ExtraMode::kKeep && Schema<Object>::Replays(type)) {
      KeepExtra(type, payload, object);
    }
  }
  return sound;
}

/// Reads attributes that stand without a family header, such as a nest. The object is not reset.
template <class Object>
bool DecodeAttributes(Bytes attributes, ExtraMode extra, Object& object) {
  bool sound = true;
  const bool whole = ForEachAttribute(attributes, [&](uint16_t type, Bytes payload) {
    sound = DecodeAttribute(type, payload, extra, object) && sound;
  });
  return whole && sound;
}

/// Reads a whole message. False when it is malformed.
template <class Object>
bool DecodeMessage(const Message& message, ExtraMode extra, Object& object) {
  Reset(object);
  typename Schema<Object>::Header header;
  Bytes attributes;
  if (!message.Split(header, attributes)) return false;
  ForEachRow<Object>([&]<class Wire>(const Row<Object, Wire>& row) {
    if constexpr (requires { Wire::GetHeader(header, object.*row.member); }) {
      Wire::GetHeader(header, object.*row.member);
    }
  });
  if (!DecodeAttributes(attributes, extra, object)) return false;
  if constexpr (requires { Schema<Object>::Normalize(object); }) Schema<Object>::Normalize(object);
  return true;
}

// ---- comparing ----

template <class Object>
bool SameKey(const Object& a, const Object& b) {
  bool same = true;
  ForEachRow<Object>([&](const auto& row) {
    if (row.role == Role::kKey) same = same && a.*row.member == b.*row.member;
  });
  return same;
}

template <class Object>
size_t HashKey(const Object& object) {
  size_t hash = 0;
  ForEachRow<Object>([&]<class Wire>(const Row<Object, Wire>& row) {
    if (row.role != Role::kKey || !(object.*row.member)) return;
    if constexpr (requires { std::hash<typename Wire::Value>()(*(object.*row.member)); }) {
      hash = hash * 0x9e3779b97f4a7c15 + std::hash<typename Wire::Value>()(*(object.*row.member));
    }
  });
  return hash;
}

constexpr bool IsCompared(Role role) {
  return role == Role::kKey || role == Role::kValue || role == Role::kSecret;
}

/// Whether `actual` has what `expected` states in this row, if it may be compared. A wire may say
/// of a value that any will do.
template <class Object, class Wire>
bool Holds(const Row<Object, Wire>& row, const Object& actual, const Object& expected) {
  if (!IsCompared(row.role) || !(expected.*row.member)) return true;
  if constexpr (requires { Wire::IsAny(*(expected.*row.member)); }) {
    if (Wire::IsAny(*(expected.*row.member))) return true;
  }
  return actual.*row.member == expected.*row.member;
}

/// The same for all rows.
template <class Object>
bool Holds(const Object& actual, const Object& expected) {
  bool holds = true;
  ForEachRow<Object>([&](const auto& row) { holds = holds && Holds(row, actual, expected); });
  return holds;
}

/// Whether a change from `before` to `after` sends this row: it is stated, and differs.
template <class Object, class Wire>
bool IsChanged(const Row<Object, Wire>& row, const Object& before, const Object& after) {
  return after.*row.member && row.role != Role::kObserved &&
         after.*row.member != before.*row.member;
}

/// Takes from `from` each value that `into` does not state.
template <class Object>
void Complete(Object& into, const Object& from) {
  ForEachRow<Object>([&](const auto& row) {
    if (!(into.*row.member)) into.*row.member = from.*row.member;
  });
}

// ---- printing ----

/// What stands in a command for a secret: a shell word that gives the name of a file with the key.
using SecretWord = std::function<std::string(const SecretKey& key)>;

template <class Wire>
std::string ValueWord(const typename Wire::Value& value, const SecretWord& secret) {
  if constexpr (std::is_same_v<typename Wire::Value, SecretKey>) {
    return value.is_zero() ? "/dev/null" : secret(value);
  } else {
    const std::string text = Wire::Text(value);
    // An empty list is a word, too: it clears the list.
    return text.empty() && !std::is_base_of_v<ListWire, Wire> ? "" : QuoteForShell(text);
  }
}

/// The words of a command, each with a blank before it.
template <class Object, class Wanted>
std::string Words(const Object& object, const SecretWord& secret, Wanted&& wanted) {
  std::string words;
  ForEachRow<Object>([&]<class Wire>(const Row<Object, Wire>& row) {
    if (row.word == kNoWord || !(object.*row.member) || !wanted(row)) return;
    const std::string value = ValueWord<Wire>(*(object.*row.member), secret);
    if (value.empty()) return;
    if (row.word == "/") {
      words += "/" + value;
    } else if (row.word.empty()) {
      words += " " + value;
    } else {
      words += " " + std::string(row.word) + " " + value;
    }
  });
  return words;
}

template <class Wire>
void WriteJsonValue(const typename Wire::Value& value, Secrets secrets, JsonWriter& out) {
  if constexpr (requires { Wire::WriteJson(value, out); }) {
    Wire::WriteJson(value, out);
  } else if constexpr (std::is_same_v<typename Wire::Value, SecretKey>) {
    out.String(secrets == Secrets::kReveal ? value.Reveal() : Wire::Text(value));
  } else if constexpr (std::is_same_v<typename Wire::Value, bool>) {
    out.Bool(value);
  } else if constexpr (requires { requires Wire::kNumber; }) {
    out.Number(value);
  } else {
    out.String(Wire::Text(value));
  }
}

/// The members of the object's JSON; the caller opens and closes the braces.
template <class Object>
void WriteJsonMembers(const Object& object, Secrets secrets, JsonWriter& out) {
  ForEachRow<Object>([&]<class Wire>(const Row<Object, Wire>& row) {
    if (!(object.*row.member) || row.json.empty()) return;
    out.Key(row.json);
    WriteJsonValue<Wire>(*(object.*row.member), secrets, out);
  });
}

}  // namespace wgnet::netlink

#endif  // WGNET_NETLINK_CODEC_H_
