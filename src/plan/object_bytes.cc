// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/object_bytes.h"

#include <fmt/format.h>
#include <sodium.h>

namespace wgnet::plan {
namespace {

// ---- objects: their kind, then each stated row under its JSON name ----

template <class Value>
constexpr bool GetsIn(Contents contents) {
  if constexpr (std::is_same_v<Value, SecretKey>) return contents != Contents::kWhole;
  if constexpr (std::is_same_v<Value, std::vector<std::byte>>) {
    return contents != Contents::kRecord;
  }
  return true;
}

// Of a key a record has only that there is one.
template <class Value>
constexpr bool HasValue(Contents contents) {
  return !std::is_same_v<Value, SecretKey> || contents == Contents::kWholeAndKeys;
}

template <class Object, class Visit>
void ForEachWritten(Contents contents, Visit&& visit) {
  netlink::ForEachRow<Object>([&]<class Wire>(const netlink::Row<Object, Wire>& row) {
    if constexpr (!std::is_same_v<typename Wire::Value, kernel::HandshakeTime>) {
      if (row.role == netlink::Role::kObserved) return;
      if (GetsIn<typename Wire::Value>(contents)) visit(row);
    }
  });
}

template <class T>
concept HasExtra = requires(T& object) {
  object.extra;
};

template <class T>
void GetRow(std::string_view name, std::string_view bytes, Contents contents, T& object, bool& ok) {
  ForEachWritten<T>(contents, [&]<class Wire>(const netlink::Row<T, Wire>& row) {
    if (row.json != name) return;
    auto& member = (object.*row.member).emplace();
    if (!HasValue<typename Wire::Value>(contents)) return;
    ByteReader value(bytes, contents);
    value.Get(member);
    ok = ok && value.ok();
  });
}

// Makes an empty object of the kind; false for one that is not known.
template <size_t... I>
bool MakeObject(std::string_view kind, kernel::Object& object, std::index_sequence<I...>) {
  return ((netlink::Schema<std::variant_alternative_t<I, kernel::Object>>::kName == kind
               ? (object.emplace<I>(), true)
               : false) ||
          ...);
}

constexpr size_t kChecksumSize = 32;

std::string Checksum(std::string_view body) {
  std::string sum(kChecksumSize, '\0');
  crypto_generichash(reinterpret_cast<uint8_t*>(sum.data()), sum.size(),
                     reinterpret_cast<const uint8_t*>(body.data()), body.size(), nullptr, 0);
  return sum;
}

}  // namespace

Error Damaged(std::string_view what, std::string_view why) {
  return {.code = ErrorCode::kState, .message = fmt::format("the {} is damaged: {}", what, why)};
}

void ByteWriter::Put(const kernel::Object& object) {
  std::visit(
      [&]<class T>(const T& typed) {
        Put(netlink::Schema<T>::kName);
        uint32_t count = 0;
        ForEachWritten<T>(contents_,
                          [&](const auto& row) { count += (typed.*row.member).has_value(); });
        Put(count);
        ForEachWritten<T>(contents_, [&]<class Wire>(const netlink::Row<T, Wire>& row) {
          if (!(typed.*row.member)) return;
          Put(row.json);
          PutSized([&] {
            if (HasValue<typename Wire::Value>(contents_)) Put(*(typed.*row.member));
          });
        });
        if constexpr (HasExtra<T>) {
          if (contents_ != Contents::kRecord) Put(typed.extra);
        }
      },
      object);
}

void ByteReader::Get(kernel::Object& object) {
  const std::string_view kind = Text();
  uint32_t count = 0;
  Get(count);
  ok_ = ok_ &&
        MakeObject(kind, object, std::make_index_sequence<std::variant_size_v<kernel::Object>>());
  for (uint32_t i = 0; i < count && ok_; ++i) {
    const std::string_view name = Text();
    const std::string_view value = Text();
    std::visit([&](auto& typed) { GetRow(name, value, contents_, typed, ok_); }, object);
  }
  if (!ok_ || contents_ == Contents::kRecord) return;
  std::visit(
      [&]<class T>(T& typed) {
        if constexpr (HasExtra<T>) Get(typed.extra);
      },
      object);
}

std::string SealOf(std::string_view magic, uint32_t version, std::string_view body) {
  std::string seal(magic);
  seal.append(reinterpret_cast<const char*>(&version), sizeof version);
  return seal + Checksum(body);
}

Result<std::string_view> Unseal(std::string_view what, std::string_view magic, uint32_t version,
                                std::string_view bytes) {
  const size_t header_size = magic.size() + sizeof version + kChecksumSize;
  uint32_t found = 0;
  if (bytes.size() < header_size || !bytes.starts_with(magic)) return Damaged(what, "no header");
  std::memcpy(&found, bytes.data() + magic.size(), sizeof found);
  const std::string_view body = bytes.substr(header_size);
  if (bytes.substr(header_size - kChecksumSize, kChecksumSize) != Checksum(body)) {
    return Damaged(what, "its checksum is wrong");
  }
  if (found != version) {
    return Error{.code = ErrorCode::kNotSupported,
                 .message = fmt::format("the {} is of version {}, and this wgnet knows {}", what,
                                        found, version)};
  }
  return body;
}

}  // namespace wgnet::plan
