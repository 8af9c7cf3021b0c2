// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_KILL_SWITCH_H_
#define WGNET_KILL_SWITCH_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wgnet/error.h"

namespace wgnet {

/// Nothing leaves the network namespace in clear: a value. It fails closed: what no line below lets
/// out is dropped, for IPv4 and IPv6, whether the tunnels are up or not, and whatever other rules
/// accept. It is the first of a plan to come and the last to go, stays when the process dies or
/// something else takes the tunnels away, also after Session::Recover, and changes without an open
/// moment. It goes with its node only.
///
/// Let out are
/// - what leaves by the loopback or by a tunnel, known by its name, so before there is one, too;
/// - the tunnels' own encrypted packets. An interface that has a mark, by Interface::FwMark or a
///   full tunnel, may send UDP with it anywhere: only WireGuard and those with CAP_NET_ADMIN or
///   CAP_NET_RAW can, and endpoints may move. One without may send to the endpoints of its peers in
///   the node, and so may any program, but a peer that moves, or is looked up anew, is cut off
///   until the node is applied with its new endpoint. So give it a mark where that can happen;
/// - IPv6 neighbour discovery (RFC 4861: ICMPv6 types 133 to 137 with hop limit 255).
///
/// Packets that are forwarded must leave by a tunnel, or answer, coming out of a tunnel, what went
/// into it. ForwardRule adds nothing to that.
///
/// So dropped are, as examples, a local network's packets and errors for it, a login from outside,
/// and name servers that are not behind a tunnel: endpoints by name have to be looked up before, or
/// through another tunnel. What does not pass the IP layer, such as ARP and DHCP on packet sockets,
/// is left alone. Where several owners have one, a packet has to be let out by each.
class KillSwitch {
 public:
  /// All WireGuard interfaces of the node are tunnels, unless some are named.
  KillSwitch() = default;

  /// This WireGuard interface is a tunnel. May be called many times. If it is not in the node, its
  /// packets are let in, but its endpoints are not known: a plan warns.
  KillSwitch& Tunnel(std::string_view interface);

  const std::vector<std::string>& tunnels() const { return tunnels_; }
  const std::optional<Error>& error() const { return error_; }

  bool operator==(const KillSwitch&) const = default;

  /// Calls `visit(name, setter, value)` for each option, by its name in JSON.
  template <class Self, class Visit>
  static void VisitOptions(Self& self, Visit&& visit) {
    visit("tunnels", &KillSwitch::Tunnel, self.tunnels_);
  }

 private:
  friend class Node;

  std::vector<std::string> tunnels_;
  std::optional<Error> error_;
};

}  // namespace wgnet

#endif  // WGNET_KILL_SWITCH_H_
