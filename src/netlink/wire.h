// SPDX-License-Identifier: MIT OR Apache-2.0
// Wire types: how one C++ value becomes an attribute's payload, or a field of the family header,
// and text. A wire has some of
//   Value                          the C++ type
//   Put(writer, attribute, value)  and  Get(payload, value)      as an attribute
//   GetInto(payload, slot)         instead of Get, where a sound payload may hold no value
//   PutHeader(header, value)       and  GetHeader(header, slot)  as part of the family header
//   Text(value)                    as a word of a command, and in JSON
//   kNumber                        JSON has a number, not a string
#ifndef WGNET_NETLINK_WIRE_H_
#define WGNET_NETLINK_WIRE_H_

#include <arpa/inet.h>
#include <endian.h>
#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/fixed_string.h"
#include "src/base/json_writer.h"
#include "src/netlink/message.h"
#include "wgnet/key.h"
#include "wgnet/types.h"

namespace wgnet::netlink {

/// The base of wires whose Value is a std::vector. Get appends.
struct ListWire {};

// ---- numbers ----

template <class T>
struct Number {
  using Value = T;
  static constexpr bool kNumber = true;
  static void Put(MessageWriter& out, uint16_t attribute, T value) { out.Put(attribute, value); }
  static bool Get(Bytes payload, T& value) { return ReadExact(payload, value); }
  static std::string Text(T value) { return fmt::format("{}", value); }
};
using U8 = Number<uint8_t>;
using U16 = Number<uint16_t>;
using U32 = Number<uint32_t>;
using U64 = Number<uint64_t>;

struct HexU32 : U32 {
  static std::string Text(uint32_t value) { return fmt::format("{:#x}", value); }
  static constexpr bool kNumber = false;
};

/// nf_tables writes its numbers in network order.
struct BigU32 : U32 {
  static void Put(MessageWriter& out, uint16_t attribute, uint32_t value) {
    out.Put(attribute, htobe32(value));
  }
  static bool Get(Bytes payload, uint32_t& value) {
    if (!ReadExact(payload, value)) return false;
    value = be32toh(value);
    return true;
  }
};

struct BigS32 {
  using Value = int32_t;
  static constexpr bool kNumber = true;
  static void Put(MessageWriter& out, uint16_t attribute, int32_t value) {
    BigU32::Put(out, attribute, static_cast<uint32_t>(value));
  }
  static bool Get(Bytes payload, int32_t& value) {
    uint32_t bits = 0;
    if (!BigU32::Get(payload, bits)) return false;
    value = static_cast<int32_t>(bits);
    return true;
  }
  static std::string Text(int32_t value) { return fmt::format("{}", value); }
};

// ---- numbers with names ----

struct Name {
  uint32_t number;
  std::string_view name;
};

/// Adds the field's own words for some values to a wire of numbers.
template <class Wire, const auto& Names>
struct Named : Wire {
  static constexpr bool kNumber = false;
  static std::string Text(typename Wire::Value value) {
    for (const Name& known : Names) {
      if (static_cast<typename Wire::Value>(known.number) == value) return std::string(known.name);
    }
    return Wire::Text(value);
  }
};

/// A number whose zero is no word in a command.
template <class Wire>
struct NonZero : Wire {
  static std::string Text(typename Wire::Value value) {
    return value == 0 ? "" : Wire::Text(value);
  }
};

// ---- strings and keys ----

template <size_t Most>
struct String {
  using Value = FixedString<Most>;
  static void Put(MessageWriter& out, uint16_t attribute, const Value& value) {
    out.PutString(attribute, value.view());
  }
  static bool Get(Bytes payload, Value& value) {
    std::string_view text(reinterpret_cast<const char*>(payload.data()), payload.size());
    text = text.substr(0, text.find('\0'));
    if (text.size() > Most) return false;
    value = Value(text);
    return true;
  }
  static std::string Text(const Value& value) { return value.str(); }
};

struct PublicKeyWire {
  using Value = PublicKey;
  static void Put(MessageWriter& out, uint16_t attribute, const PublicKey& key) {
    out.Put(attribute, key.bytes().data(), key.bytes().size());
  }
  static bool Get(Bytes payload, PublicKey& key) {
    if (payload.size() != PublicKey::kSize) return false;
    key = PublicKey(std::span<const uint8_t, PublicKey::kSize>(
        reinterpret_cast<const uint8_t*>(payload.data()), PublicKey::kSize));
    return true;
  }
  static std::string Text(const PublicKey& key) { return key.ToString(); }
};

struct SecretKeyWire {
  using Value = SecretKey;
  static void Put(MessageWriter& out, uint16_t attribute, const SecretKey& key) {
    out.Put(attribute, key.bytes().data(), key.bytes().size());
  }
  static bool Get(Bytes payload, SecretKey& key) {
    if (payload.size() != SecretKey::kSize) return false;
    key = SecretKey(std::span<const uint8_t, SecretKey::kSize>(
        reinterpret_cast<const uint8_t*>(payload.data()), SecretKey::kSize));
    return true;
  }
  static std::string Text(const SecretKey& key) { return key.is_zero() ? "(none)" : "(hidden)"; }
};

// ---- addresses ----

struct Ip {
  using Value = IpAddress;
  static void Put(MessageWriter& out, uint16_t attribute, const IpAddress& address) {
    out.Put(attribute, address.bytes().data(), address.bytes().size());
  }
  static bool Get(Bytes payload, IpAddress& address) {
    if (payload.size() != 4 && payload.size() != 16) return false;
    address = IpAddress(
        std::span<const uint8_t>(reinterpret_cast<const uint8_t*>(payload.data()), payload.size()));
    return true;
  }
  static std::string Text(const IpAddress& address) { return address.ToString(); }
};

inline uint8_t ToAf(Family family) { return family == Family::kIpv6 ? AF_INET6 : AF_INET; }

// ---- the family header ----

template <class>
struct MemberOf;
template <class Class, class Field>
struct MemberOf<Field Class::*> {
  using Header = Class;
  using Type = Field;
};
template <auto Member>
using HeaderOf = typename MemberOf<decltype(Member)>::Header;
template <auto Member>
using FieldOf = typename MemberOf<decltype(Member)>::Type;

/// A number in the family header, with the text of `Wire`.
template <auto Member, class Wire>
struct InHeader {
  using Value = typename Wire::Value;
  static constexpr bool kNumber = Wire::kNumber;
  static void PutHeader(HeaderOf<Member>& header, Value value) {
    header.*Member = static_cast<FieldOf<Member>>(value);
  }
  static void GetHeader(const HeaderOf<Member>& header, std::optional<Value>& value) {
    value = static_cast<Value>(header.*Member);
  }
  static std::string Text(Value value) { return Wire::Text(value); }
};

/// A bit of the family header; `True` and `False` are its words.
template <auto Member, auto Bit, const std::string_view& True, const std::string_view& False>
struct HeaderFlag {
  using Value = bool;
  static void PutHeader(HeaderOf<Member>& header, bool value) {
    if (value) header.*Member |= static_cast<FieldOf<Member>>(Bit);
  }
  static void GetHeader(const HeaderOf<Member>& header, std::optional<bool>& value) {
    value = (header.*Member & Bit) != 0;
  }
  static std::string Text(bool value) { return std::string(value ? True : False); }
};

/// The address family of the header.
template <auto Member>
struct HeaderFamily {
  using Value = Family;
  static void PutHeader(HeaderOf<Member>& header, Family family) { header.*Member = ToAf(family); }
  static void GetHeader(const HeaderOf<Member>& header, std::optional<Family>& family) {
    if (header.*Member == AF_INET) family = Family::kIpv4;
    if (header.*Member == AF_INET6) family = Family::kIpv6;
  }
  static std::string Text(Family family) { return family == Family::kIpv6 ? "inet6" : "inet"; }
};

/// A prefix: its address is an attribute, its length and family stand in the header. The attribute
/// is left out of a prefix of length 0.
template <auto LengthMember, auto FamilyMember>
struct HeaderPrefix {
  using Value = Prefix;
  using Header = HeaderOf<LengthMember>;
  static void PutHeader(Header& header, const Prefix& prefix) {
    header.*FamilyMember = ToAf(prefix.family());
    header.*LengthMember = static_cast<FieldOf<LengthMember>>(prefix.length());
  }
  static void Put(MessageWriter& out, uint16_t attribute, const Prefix& prefix) {
    if (prefix.length() > 0) Ip::Put(out, attribute, prefix.address());
  }
  static void GetHeader(const Header& header, std::optional<Prefix>& prefix) {
    const Family family = header.*FamilyMember == AF_INET6 ? Family::kIpv6 : Family::kIpv4;
    prefix = Prefix(IpAddress::Any(family), header.*LengthMember);
  }
  static bool Get(Bytes payload, Prefix& prefix) {
    IpAddress address;
    if (!Ip::Get(payload, address)) return false;
    prefix = Prefix(address, prefix.length());
    return true;
  }
  static std::string Text(const Prefix& prefix) { return prefix.ToString(); }
};

/// What the message around the object says: nothing is put or got here.
template <class Wire>
struct Context {
  using Value = typename Wire::Value;
  static std::string Text(const Value& value) { return Wire::Text(value); }
  static void WriteJson(const Value& value, JsonWriter& out) requires requires {
    Wire::WriteJson(value, out);
  }
  { Wire::WriteJson(value, out); }
};

/// Reads a payload into a slot; false when it is malformed.
template <class Wire>
bool GetValue(Bytes payload, std::optional<typename Wire::Value>& value) {
  if constexpr (requires { Wire::GetInto(payload, value); }) {
    return Wire::GetInto(payload, value);
  } else {
    if (!value) value.emplace();
    return Wire::Get(payload, *value);
  }
}

/// A value inside a nest of its own.
template <uint16_t Attribute, class Wire>
struct Nested {
  using Value = typename Wire::Value;
  static constexpr bool kNumber = requires { Wire::kNumber; };
  static void Put(MessageWriter& out, uint16_t attribute, const Value& value) {
    out.Nest(attribute, [&] { Wire::Put(out, Attribute, value); });
  }
  /// Leaves `value` empty when the nest holds other things only.
  static bool GetInto(Bytes payload, std::optional<Value>& value) {
    bool sound = true;
    const bool whole = ForEachAttribute(payload, [&](uint16_t type, Bytes inner) {
      if (type == Attribute) sound = GetValue<Wire>(inner, value);
    });
    return whole && sound;
  }
  static std::string Text(const Value& value) { return Wire::Text(value); }
};

}  // namespace wgnet::netlink

#endif  // WGNET_NETLINK_WIRE_H_
