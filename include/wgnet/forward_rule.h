// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_FORWARD_RULE_H_
#define WGNET_FORWARD_RULE_H_

#include <optional>
#include <string>
#include <string_view>

#include "wgnet/error.h"

namespace wgnet {

/// Packets between two interfaces are forwarded, in both directions: a value.
///
/// For IPv4, forwarding is switched on for the interfaces that take part and exist, not for the
/// host; IPv6 knows no such thing, and is switched on as a whole where an interface of the node has
/// an IPv6 address. What was changed is put back when the last owner that needs it is gone.
class ForwardRule {
 public:
  ForwardRule() = default;

  /// Names of interfaces; a `*` at the end makes a pattern.
  ForwardRule& Between(std::string_view one, std::string_view other);

  const std::string& one() const { return one_; }
  const std::string& other() const { return other_; }
  const std::optional<Error>& error() const { return error_; }

  bool operator==(const ForwardRule&) const = default;

  /// Calls `visit(name, setter, value)` for each option, by its name in JSON.
  template <class Self, class Visit>
  static void VisitOptions(Self& self, Visit&& visit) {
    visit("one", &ForwardRule::One, self.one_);
    visit("other", &ForwardRule::Other, self.other_);
  }

 private:
  ForwardRule& One(std::string_view name);
  ForwardRule& Other(std::string_view name);

  std::string one_;
  std::string other_;
  std::optional<Error> error_;
};

}  // namespace wgnet

#endif  // WGNET_FORWARD_RULE_H_
