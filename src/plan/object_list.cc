// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/object_list.h"

#include <fmt/format.h>

#include <unordered_map>

#include "src/plan/op.h"

namespace wgnet::plan {
void ObjectList::Add(kernel::Object object) {
  objects_.push_back(std::move(object));
  place_of_.push_back(places_.size() - 1);
}

Result<std::vector<kernel::Object>> ObjectList::TakeDistinct() {
  std::unordered_map<const kernel::Object*, size_t, kernel::KeyHash, kernel::KeyEqual> known;
  std::vector<size_t> repeated;
  for (size_t i = 0; i < objects_.size(); ++i) {
    const auto [first, fresh] = known.emplace(&objects_[i], i);
    if (fresh) continue;
    const kernel::Object& other = objects_[first->second];
    if (!kernel::Holds(other, objects_[i]) || !kernel::Holds(objects_[i], other)) {
      return Clash(first->second, i);
    }
    repeated.push_back(i);
  }
  for (size_t i = repeated.size(); i-- > 0;) {
    objects_.erase(objects_.begin() + static_cast<ptrdiff_t>(repeated[i]));
  }
  return std::move(objects_);
}

Error ObjectList::Clash(size_t first, size_t second) const {
  const std::string& place = places_[place_of_[first]];
  const std::string& other = places_[place_of_[second]];
  return {.code = ErrorCode::kInvalidArgument,
          .message =
              fmt::format("there can be one {} of these: {}; {}", kernel::KindOf(objects_[first]),
                          AddCommandOf(objects_[first]), AddCommandOf(objects_[second])),
          .where = place == other ? place : fmt::format("{} and {}", place, other),
          .hint = "leave one of them out, or give each a table of its own"};
}

}  // namespace wgnet::plan
