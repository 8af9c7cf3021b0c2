// SPDX-License-Identifier: MIT OR Apache-2.0
// One change of one kernel object.
#ifndef WGNET_KERNEL_EDIT_H_
#define WGNET_KERNEL_EDIT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/netlink/codec.h"
#include "src/netlink/transport.h"

namespace wgnet::kernel {

enum class Verb : uint8_t { kAdd, kChange, kDelete };

std::string_view VerbName(Verb verb);

/// Add: `object` is what will be. Delete: `object` is what is. Change: `before` becomes `object`.
template <class Object>
struct Edit {
  Verb verb;
  const Object& object;
  const Object& before;  // the same as `object`, but for Change
};

using netlink::Bus;

/// What encoding needs to know of the running kernel.
struct EncodeContext {
  uint16_t wireguard_family = 0;  // generic netlink's number for "wireguard"; 0 where there is none
};

/// The `ip`, `wg`, `nft` or `sysctl` commands that do the same as an edit.
using Commands = std::vector<std::string>;

/// The rows that an Edit sends in its first message.
template <class Object>
auto WantedRows(const Edit<Object>& edit) {
  return [&edit](const auto& row) {
    if (row.role == netlink::Role::kObserved) return false;
    if (row.role == netlink::Role::kKey) return true;
    switch (edit.verb) {
      case Verb::kAdd:
        return row.stage == netlink::Stage::kCreate || row.stage == netlink::Stage::kSwitch;
      case Verb::kChange:
        return netlink::Schema<Object>::kChangeWhole ||
               netlink::IsChanged(row, edit.before, edit.object);
      case Verb::kDelete:
        return netlink::Schema<Object>::kDeleteWhole;
    }
    return false;
  };
}

/// The rows of a new object that are sent in a later message.
inline auto RowsOfStage(netlink::Stage stage) {
  return [stage](const auto& row) {
    return row.stage == stage && row.role != netlink::Role::kObserved &&
           row.role != netlink::Role::kKey;
  };
}

template <class Object>
bool HasStage(const Object& object, netlink::Stage stage) {
  bool has = false;
  netlink::ForEachRow<Object>(
      [&](const auto& row) { has = has || (RowsOfStage(stage)(row) && object.*row.member); });
  return has;
}

}  // namespace wgnet::kernel

#endif  // WGNET_KERNEL_EDIT_H_
