// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/forward_rule.h"

#include "src/api/setter.h"

namespace wgnet {

ForwardRule& ForwardRule::Between(std::string_view one, std::string_view other) {
  return One(one).Other(other);
}

ForwardRule& ForwardRule::One(std::string_view name) {
  SetParsed(CheckLinkPattern(name), error_, "ForwardRule.Between",
            [&](std::string checked) { one_ = std::move(checked); });
  return *this;
}

ForwardRule& ForwardRule::Other(std::string_view name) {
  SetParsed(CheckLinkPattern(name), error_, "ForwardRule.Between",
            [&](std::string checked) { other_ = std::move(checked); });
  return *this;
}

}  // namespace wgnet
