// SPDX-License-Identifier: MIT OR Apache-2.0
// Which messages of the kernel are about what is on record.
#include "src/plan/drift.h"

namespace wgnet::plan {
namespace {

template <class T>
bool IsOf(const netlink::Message& message) {
  using Schema = netlink::Schema<T>;
  const uint16_t type = message.header.nlmsg_type;
  if constexpr (requires { Schema::kNftGet; }) {
    // The numbers of new, get and delete follow each other.
    return type == kernel::NftMessage(Schema::kNftGet - 1) ||
           type == kernel::NftMessage(Schema::kNftGet + 1);
  } else {
    return type == Schema::kNew || type == Schema::kDelete;
  }
}

}  // namespace

// One that cannot be read may be about anything.
template <class T>
bool Drift::IsToldOfA(const netlink::Message& message) const {
  if (!IsOf<T>(message)) return false;
  kernel::Object object{T()};
  const bool sound =
      netlink::DecodeMessage(message, netlink::ExtraMode::kDrop, *std::get_if<T>(&object));
  return !sound || index_.contains(&object);
}

template <class T>
bool Drift::IsToldOfTableOf(const netlink::Message& message) const {
  if (!IsOf<T>(message)) return false;
  T object;
  if (!netlink::DecodeMessage(message, netlink::ExtraMode::kDrop, object)) return true;
  kernel::NftTable table;
  table.family = object.family;
  if constexpr (requires { object.table; }) {
    table.name = object.table;
  } else {
    table.name = object.name;
  }
  const kernel::Object key(table);
  return index_.contains(&key);
}

bool Drift::IsToldOf(const netlink::Message& message) const {
  return IsToldOfA<kernel::Route>(message) || IsToldOfA<kernel::Address>(message) ||
         IsToldOfA<kernel::Link>(message) || IsToldOfA<kernel::Rule>(message);
}

bool Drift::IsToldOfTable(const netlink::Message& message) const {
  return IsToldOfTableOf<kernel::NftRule>(message) ||
         IsToldOfTableOf<kernel::NftElement>(message) ||
         IsToldOfTableOf<kernel::NftChain>(message) || IsToldOfTableOf<kernel::NftSet>(message) ||
         IsToldOfTableOf<kernel::NftTable>(message);
}

}  // namespace wgnet::plan
