// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_NAT_RULE_H_
#define WGNET_NAT_RULE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wgnet/error.h"
#include "wgnet/types.h"

namespace wgnet {

/// A rule of network address translation: a value. It lands in an nftables table of the owner.
class NatRule {
 public:
  /// Packets that leave get the address of the interface that they leave by (nft(8)). At least one
  /// of Source, InInterface and OutInterface must be said.
  static NatRule Masquerade() { return {}; }

  NatRule() = default;

  /// Only packets from this prefix. May be called many times: from any of them.
  NatRule& Source(Prefix prefix);
  NatRule& Source(std::string_view prefix);
  /// Only packets that arrived on this interface; a `*` at the end makes a pattern. A masquerade is
  /// decided where that is not known any more, so they are given a mark on the way: one bit, which
  /// is kept free of other use by an owner, and no other bits are touched.
  NatRule& InInterface(std::string_view name);
  /// Only packets that leave by this interface; a `*` at the end makes a pattern.
  NatRule& OutInterface(std::string_view name);

  const std::vector<Prefix>& sources() const { return sources_; }
  const std::optional<std::string>& in_interface() const { return in_interface_; }
  const std::optional<std::string>& out_interface() const { return out_interface_; }
  const std::optional<Error>& error() const { return error_; }

  bool operator==(const NatRule&) const = default;

  /// Calls `visit(name, setter, value)` for each option, by its name in JSON.
  template <class Self, class Visit>
  static void VisitOptions(Self& self, Visit&& visit) {
    visit("source", static_cast<NatRule& (NatRule::*)(std::string_view)>(&NatRule::Source),
          self.sources_);
    visit("in_interface", &NatRule::InInterface, self.in_interface_);
    visit("out_interface", &NatRule::OutInterface, self.out_interface_);
  }

 private:
  std::vector<Prefix> sources_;
  std::optional<std::string> in_interface_;
  std::optional<std::string> out_interface_;
  std::optional<Error> error_;
};

}  // namespace wgnet

#endif  // WGNET_NAT_RULE_H_
