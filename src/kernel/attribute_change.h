// SPDX-License-Identifier: MIT OR Apache-2.0
// In which attributes an object differs from what is expected of it.
#ifndef WGNET_KERNEL_ATTRIBUTE_CHANGE_H_
#define WGNET_KERNEL_ATTRIBUTE_CHANGE_H_

#include <string>
#include <string_view>
#include <vector>

#include "src/kernel/object.h"

namespace wgnet::kernel {

struct AttributeChange {
  std::string_view attribute;  // its JSON name
  std::string expected;
  std::string found;  // empty: there is none
};

/// Those because of which Holds(found, expected) is false; both are of one kind. Keys are hidden.
std::vector<AttributeChange> ChangesOf(const Object& found, const Object& expected);

/// Gives `into` each secret that it does not state; both are of one kind.
void CompleteSecrets(Object& into, const Object& from);
/// Takes the object's secrets away; whether it had one.
bool TakeSecrets(Object& object);

}  // namespace wgnet::kernel

#endif  // WGNET_KERNEL_ATTRIBUTE_CHANGE_H_
