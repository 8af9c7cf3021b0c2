// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/attribute_change.h"

namespace wgnet::kernel {

std::vector<AttributeChange> ChangesOf(const Object& found, const Object& expected) {
  std::vector<AttributeChange> changes;
  std::visit(
      [&]<class T>(const T& wanted) {
        const T& actual = *std::get_if<T>(&found);
        netlink::ForEachRow<T>([&]<class Wire>(const netlink::Row<T, Wire>& row) {
          if (netlink::Holds(row, actual, wanted)) return;
          const auto& value = actual.*row.member;
          changes.push_back({row.json, Wire::Text(*(wanted.*row.member)),
                             value ? Wire::Text(*value) : std::string()});
        });
      },
      expected);
  return changes;
}

void CompleteSecrets(Object& into, const Object& from) {
  std::visit(
      [&]<class T>(T& typed) {
        const T& source = *std::get_if<T>(&from);
        netlink::ForEachRow<T>([&](const auto& row) {
          if (row.role != netlink::Role::kSecret || typed.*row.member) return;
          typed.*row.member = source.*row.member;
        });
      },
      into);
}

bool TakeSecrets(Object& object) {
  bool any = false;
  std::visit(
      [&]<class T>(T& typed) {
        netlink::ForEachRow<T>([&](const auto& row) {
          if (row.role != netlink::Role::kSecret || !(typed.*row.member)) return;
          any = true;
          (typed.*row.member).reset();
        });
      },
      object);
  return any;
}

}  // namespace wgnet::kernel
