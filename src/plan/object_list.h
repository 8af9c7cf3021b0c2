// SPDX-License-Identifier: MIT OR Apache-2.0
// The objects that a node becomes, each with the place in the node that it comes from.
#ifndef WGNET_PLAN_OBJECT_LIST_H_
#define WGNET_PLAN_OBJECT_LIST_H_

#include <string>
#include <vector>

#include "src/kernel/object.h"
#include "wgnet/error.h"

namespace wgnet::plan {

class ObjectList {
 public:
  /// What is added from here on comes from this part of the node, such as Interface("wg0").
  void From(std::string place) { places_.push_back(std::move(place)); }
  void Add(kernel::Object object);

  /// The objects in their order, each once. The kernel has one object of a key: two that differ are
  /// a mistake, which names both places.
  Result<std::vector<kernel::Object>> TakeDistinct();

 private:
  Error Clash(size_t first, size_t second) const;

  std::vector<kernel::Object> objects_;
  std::vector<size_t> place_of_;  // of each object
  std::vector<std::string> places_ = {""};
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_OBJECT_LIST_H_
