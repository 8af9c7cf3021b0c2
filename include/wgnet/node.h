// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_NODE_H_
#define WGNET_NODE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wgnet/dns.h"
#include "wgnet/error.h"
#include "wgnet/forward_rule.h"
#include "wgnet/interface.h"
#include "wgnet/kill_switch.h"
#include "wgnet/nat_rule.h"
#include "wgnet/policy_route.h"

namespace wgnet {

/// Everything that one owner wants in one network namespace: a value. An empty node wants nothing,
/// so applying it removes all that the owner had.
class Node {
 public:
  Node& Add(Interface interface);
  Node& Add(PolicyRoute route);
  Node& Add(NatRule rule);
  Node& Add(ForwardRule rule);
  Node& Add(Dns dns);
  /// At most one.
  Node& Add(KillSwitch kill_switch);

  const std::vector<Interface>& interfaces() const { return interfaces_; }
  const std::vector<PolicyRoute>& policy_routes() const { return policy_routes_; }
  const std::vector<NatRule>& nat_rules() const { return nat_rules_; }
  const std::vector<ForwardRule>& forward_rules() const { return forward_rules_; }
  const std::vector<Dns>& dns() const { return dns_; }
  const std::optional<KillSwitch>& kill_switch() const { return kill_switch_; }
  bool empty() const { return *this == Node(); }

  /// The first mistake of a builder in it, or one that only the whole shows: two interfaces of one
  /// name or port, an address, a peer or a policy route given twice, a prefix that two peers of an
  /// interface claim, name servers of an interface that is not in it, two kill switches.
  Status Check() const;

  /// A document of schema "wgnet/1". Hidden keys are left out.
  std::string ToJson(Secrets secrets = Secrets::kHide) const;
  /// Unknown members are errors, which name their path. At most 64 MiB and 32 levels.
  static Result<Node> FromJson(std::string_view text);

  bool operator==(const Node&) const = default;

  /// Calls `visit(name, adder, list)` for each kind of part, by its name in JSON.
  template <class Self, class Visit>
  static void VisitOptions(Self& self, Visit&& visit) {
    visit("interfaces", static_cast<Node& (Node::*)(Interface)>(&Node::Add), self.interfaces_);
    visit("policy_routes", static_cast<Node& (Node::*)(PolicyRoute)>(&Node::Add),
          self.policy_routes_);
    visit("nat_rules", static_cast<Node& (Node::*)(NatRule)>(&Node::Add), self.nat_rules_);
    visit("forward_rules", static_cast<Node& (Node::*)(ForwardRule)>(&Node::Add),
          self.forward_rules_);
    visit("dns", static_cast<Node& (Node::*)(Dns)>(&Node::Add), self.dns_);
    visit("kill_switch", static_cast<Node& (Node::*)(KillSwitch)>(&Node::Add), self.kill_switch_);
  }

 private:
  std::vector<Interface> interfaces_;
  std::vector<PolicyRoute> policy_routes_;
  std::vector<NatRule> nat_rules_;
  std::vector<ForwardRule> forward_rules_;
  std::vector<Dns> dns_;
  std::optional<KillSwitch> kill_switch_;
};

}  // namespace wgnet

#endif  // WGNET_NODE_H_
