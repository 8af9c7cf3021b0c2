// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/nat_rule.h"

#include "src/api/setter.h"

namespace wgnet {

NatRule& NatRule::Source(Prefix prefix) {
  sources_.push_back(prefix.Masked());
  return *this;
}

NatRule& NatRule::Source(std::string_view prefix) {
  SetParsed(Prefix::Parse(prefix), error_, "NatRule.Source",
            [&](Prefix parsed) { Source(parsed); });
  return *this;
}

NatRule& NatRule::InInterface(std::string_view name) {
  SetParsed(CheckLinkPattern(name), error_, "NatRule.InInterface",
            [&](std::string checked) { in_interface_ = std::move(checked); });
  return *this;
}

NatRule& NatRule::OutInterface(std::string_view name) {
  SetParsed(CheckLinkPattern(name), error_, "NatRule.OutInterface",
            [&](std::string checked) { out_interface_ = std::move(checked); });
  return *this;
}

}  // namespace wgnet
