// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_POLICY_ROUTE_H_
#define WGNET_POLICY_ROUTE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wgnet/error.h"
#include "wgnet/types.h"

namespace wgnet {

/// A route in a table of its own, and the rules (ip-rule(8)) that lead there: a value.
class PolicyRoute {
 public:
  /// Everything goes into the tunnel, but for what the main table has a better route for than its
  /// default route, and for the tunnel's own packets, which carry a mark. This is what wg-quick(8)
  /// makes of AllowedIPs = 0.0.0.0/0, with these options:
  /// the families are those of the default routes among the interface's allowed IPs, or both if it
  /// has none; addresses of the interface are accepted from the tunnel only, and replies to the
  /// tunnel's packets keep the mark, in an nftables table. The interface's own /0 routes are then
  /// this one's business.
  static PolicyRoute FullTunnel(std::string_view interface);
  /// One prefix goes into an interface, through a table and a rule of its own.
  static PolicyRoute ForPrefix(Prefix prefix, std::string_view interface);
  static PolicyRoute ForPrefix(std::string_view prefix, std::string_view interface);

  PolicyRoute() = default;

  PolicyRoute& To(std::string_view prefix);
  PolicyRoute& Interface(std::string_view name);
  /// For ForPrefix: only packets from this prefix.
  PolicyRoute& From(Prefix prefix);
  PolicyRoute& From(std::string_view prefix);
  /// For ForPrefix: only packets that arrive on this interface.
  PolicyRoute& InInterface(std::string_view name);
  /// FullTunnel: the mark of the tunnel's own packets; not set: the interface's FwMark, or a free
  /// one. ForPrefix: only packets with this mark. Only the bits of `mask` count, and only they are
  /// ever changed.
  PolicyRoute& FwMark(uint32_t mark, uint32_t mask = UINT32_MAX);
  PolicyRoute& FwMarkText(std::string_view mark_and_mask);  ///< "0xca6c" or "0x100/0xff00"
  /// 1 to 2^32-1, but 253 to 255 (default, main, local). Not set: FullTunnel takes the mark's
  /// number, ForPrefix a free one.
  PolicyRoute& Table(uint32_t table);
  /// Of the rule, 1 to 32765, smaller first; FullTunnel takes two: this one, and the one before it
  /// for the suppress rule. Not set: one that is free.
  PolicyRoute& Priority(uint32_t priority);

  bool is_full_tunnel() const { return !to_; }
  const std::string& interface() const { return interface_; }
  const std::optional<Prefix>& to() const { return to_; }
  const std::optional<Prefix>& from() const { return from_; }
  const std::optional<std::string>& in_interface() const { return in_interface_; }
  struct Mark {
    uint32_t value = 0;
    uint32_t mask = UINT32_MAX;
    bool operator==(const Mark&) const = default;
  };
  const std::optional<Mark>& fwmark() const { return fwmark_; }
  const std::optional<uint32_t>& table() const { return table_; }
  const std::optional<uint32_t>& priority() const { return priority_; }
  const std::optional<Error>& error() const { return error_; }

  bool operator==(const PolicyRoute&) const = default;

  /// Calls `visit(name, setter, value)` for each option, by its name in JSON. Without "to", it is a
  /// full tunnel.
  template <class Self, class Visit>
  static void VisitOptions(Self& self, Visit&& visit) {
    using Text = std::string_view;
    visit("interface", &PolicyRoute::Interface, self.interface_);
    visit("to", &PolicyRoute::To, self.to_);
    visit("from", static_cast<PolicyRoute& (PolicyRoute::*)(Text)>(&PolicyRoute::From), self.from_);
    visit("in_interface", &PolicyRoute::InInterface, self.in_interface_);
    visit("fwmark", &PolicyRoute::FwMarkText, self.fwmark_);
    visit("table", &PolicyRoute::Table, self.table_);
    visit("priority", &PolicyRoute::Priority, self.priority_);
  }

 private:
  std::string Where(std::string_view setter) const;

  std::string interface_;
  std::optional<Prefix> to_;
  std::optional<Prefix> from_;
  std::optional<std::string> in_interface_;
  std::optional<Mark> fwmark_;
  std::optional<uint32_t> table_;
  std::optional<uint32_t> priority_;
  std::optional<Error> error_;
};

}  // namespace wgnet

#endif  // WGNET_POLICY_ROUTE_H_
