// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/object.h"

namespace wgnet::kernel {
namespace {

// Calls `visit(a, b)` with both as the type of `a`; they are of one kind.
template <class Visit>
auto VisitPair(const Object& a, const Object& b, Visit&& visit) {
  return std::visit([&]<class T>(const T& typed) { return visit(typed, *std::get_if<T>(&b)); }, a);
}

}  // namespace

std::string_view VerbName(Verb verb) {
  constexpr std::string_view kNames[] = {"add", "change", "delete"};
  return kNames[static_cast<int>(verb)];
}

std::string_view KindOf(const Object& object) {
  return std::visit([]<class T>(const T&) { return netlink::Schema<T>::kName; }, object);
}

Bus BusOf(const Object& object) {
  return std::visit([]<class T>(const T&) { return netlink::Schema<T>::kBus; }, object);
}

bool SameKey(const Object& a, const Object& b) {
  if (a.index() != b.index()) return false;
  return VisitPair(a, b, [](const auto& x, const auto& y) { return netlink::SameKey(x, y); });
}

size_t HashKey(const Object& object) {
  return std::visit([](const auto& o) { return netlink::HashKey(o); }, object) * 31 +
         object.index();
}

bool Holds(const Object& actual, const Object& expected) {
  return VisitPair(actual, expected,
                   [](const auto& x, const auto& y) { return netlink::Holds(x, y); });
}

const LinkRef* LinkOf(const Object& object) {
  return std::visit(
      []<class T>(const T& o) -> const LinkRef* {
        if constexpr (requires { o.dev; }) return o.dev ? &*o.dev : nullptr;
        return nullptr;
      },
      object);
}

std::optional<NftTable> TableOf(const Object& object) {
  return std::visit(
      []<class T>(const T& typed) -> std::optional<NftTable> {
        if constexpr (requires { typed.table->view(); }) {
          NftTable table;
          table.family = typed.family;
          table.name = typed.table;
          return table;
        }
        return std::nullopt;
      },
      object);
}

bool IsInTable(const NftTable& table, const Object& object) {
  const auto its = TableOf(object);
  return its && SameKey(*its, table);
}

std::string_view AttributeName(const Object& object, uint16_t attribute) {
  std::string_view name;
  std::visit(
      [&]<class T>(const T&) {
        netlink::ForEachRow<T>([&](const auto& row) {
          if (row.attribute == attribute && name.empty()) name = row.json;
        });
      },
      object);
  return name;
}

size_t HeaderSizeOf(const Object& object) {
  return std::visit(
      []<class T>(const T&) -> size_t {
        if constexpr (requires { typename netlink::Schema<T>::Header; }) {
          return sizeof(typename netlink::Schema<T>::Header);
        }
        return 0;
      },
      object);
}

void WriteJsonMembers(const Object& object, Secrets secrets, JsonWriter& out) {
  std::visit([&](const auto& o) { netlink::WriteJsonMembers(o, secrets, out); }, object);
}

Commands CommandsOf(Verb verb, const Object& object, const Object& before,
                    const netlink::SecretWord& secret) {
  return VisitPair(object, before, [&]<class T>(const T& o, const T& b) {
    return CommandsOf(Edit<T>{verb, o, b}, secret);
  });
}

void Encode(Verb verb, const Object& object, const Object& before, const EncodeContext& context,
            netlink::MessageWriter& out) {
  VisitPair(object, before, [&]<class T>(const T& o, const T& b) {
    if constexpr (requires { Encode(Edit<T>{verb, o, b}, context, out); }) {
      Encode(Edit<T>{verb, o, b}, context, out);
    }
  });
}

}  // namespace wgnet::kernel
