// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/node.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "src/api/setter.h"
#include "src/base/mtu.h"
#include "src/base/text.h"
#include "src/base/try.h"
#include "src/plan/lowering.h"

namespace wgnet {
namespace {

Error At(std::string where, Error error) {
  error.where = std::move(where);
  return error;
}

std::string WhereOf(const Interface& interface) {
  return "Interface(" + QuoteForMessage(interface.name()) + ")";
}

std::string WhereOf(const Interface& interface, const Peer& peer) {
  return WhereOf(interface) + ".Peer(\"" + peer.public_key().ToString() + "\")";
}

template <class Builder>
Status OwnMistake(const Builder& builder) {
  if (builder.error()) return *builder.error();
  return {};
}

Status CheckMtu(const Node& node, const Interface& interface) {
  if (interface.mtu() && *interface.mtu() < kIpv6MinimumMtu && plan::NeedsIpv6(node, interface)) {
    return At(WhereOf(interface) + ".Mtu",
              Invalid("an MTU under 1280 takes all IPv6 addresses and routes from the interface",
                      "say at least 1280, or leave IPv6 out of its addresses, its allowed IPs and "
                      "policy routes into it"));
  }
  return {};
}

Status CheckAddresses(const Interface& interface) {
  std::unordered_set<Prefix, std::hash<Prefix>> known;
  for (const Prefix& address : interface.addresses()) {
    if (known.insert(address).second) continue;
    return At(WhereOf(interface) + ".Address",
              Invalid("the address " + address.ToString() + " is given twice",
                      "a link has an address once"));
  }
  return {};
}

Status CheckPeers(const Interface& interface) {
  std::unordered_set<PublicKey, std::hash<PublicKey>> keys;
  std::unordered_map<Prefix, const Peer*, std::hash<Prefix>> claims;
  std::optional<PublicKey> own;
  if (interface.private_key()) own = interface.private_key()->Public();
  for (const Peer& peer : interface.peers()) {
    if (peer.error()) {
      return At(WhereOf(interface) + "." + peer.error()->where, *peer.error());
    }
    if (peer.public_key() == PublicKey()) {
      return At(WhereOf(interface) + ".AddPeer",
                Invalid("a peer has no public key", "a peer is known by its PublicKey"));
    }
    if (peer.public_key() == own) {
      return At(WhereOf(interface, peer),
                Invalid("the peer's public key is the interface's own",
                        "give the key of the other side: `wg pubkey` of its private key"));
    }
    if (!keys.insert(peer.public_key()).second) {
      return At(WhereOf(interface, peer),
                Invalid("the peer is given twice", "one peer holds all its options"));
    }
    for (const Prefix& ip : peer.allowed_ips()) {
      const auto [claim, fresh] = claims.emplace(ip, &peer);
      if (fresh || claim->second == &peer) continue;
      return At(WhereOf(interface, peer) + ".AllowedIp",
                Invalid("the prefix " + ip.ToString() + " belongs to the peer " +
                            claim->second->public_key().ToString() + " already",
                        "WireGuard sends a prefix to one peer only: give it to one"));
    }
  }
  return {};
}

Status CheckInterface(const Interface& interface) {
  WGNET_RETURN_IF_ERROR(OwnMistake(interface));
  if (interface.name().empty()) {
    return At("Interface", Invalid("an interface has no name", "such as Interface(\"wg0\")"));
  }
  WGNET_RETURN_IF_ERROR(CheckAddresses(interface));
  return CheckPeers(interface);
}

Status CheckPolicyRoute(const PolicyRoute& route) {
  WGNET_RETURN_IF_ERROR(OwnMistake(route));
  const std::string where = "PolicyRoute(" + QuoteForMessage(route.interface()) + ")";
  if (route.interface().empty()) {
    return At(where, Invalid("a policy route has no interface", "say where its packets go"));
  }
  if (route.is_full_tunnel() && (route.from() || route.in_interface())) {
    return At(where, Invalid("a full tunnel takes packets from everywhere",
                             "use ForPrefix for From and InInterface"));
  }
  if (route.to() && route.from() && route.to()->family() != route.from()->family()) {
    return At(where + ".From", Invalid("the prefixes are of different families",
                                       "one policy route is for IPv4 or for IPv6"));
  }
  return {};
}

Status CheckNatRule(const NatRule& rule) {
  WGNET_RETURN_IF_ERROR(OwnMistake(rule));
  if (rule.sources().empty() && !rule.in_interface() && !rule.out_interface()) {
    return At("NatRule", Invalid("the rule would masquerade everything",
                                 "say Source, InInterface or OutInterface"));
  }
  return {};
}

Status CheckForwardRule(const ForwardRule& rule) {
  WGNET_RETURN_IF_ERROR(OwnMistake(rule));
  if (rule.one().empty() || rule.other().empty()) {
    return At("ForwardRule",
              Invalid("the rule names no interfaces", "say Between(\"wg0\", \"eth*\")"));
  }
  return {};
}

// Interfaces are looked for in the node, and have servers once.
class DnsCheck {
 public:
  explicit DnsCheck(const Node& node) {
    for (const Interface& interface : node.interfaces()) free_.insert(interface.name());
  }

  Status operator()(const Dns& dns) {
    WGNET_RETURN_IF_ERROR(OwnMistake(dns));
    const std::string where = "Dns(" + QuoteForMessage(dns.interface()) + ")";
    if (used_.contains(dns.interface())) {
      return At(where, Invalid("the interface has name servers twice", "one Dns holds them all"));
    }
    if (!free_.contains(dns.interface())) {
      return At(where, Invalid("the node has no interface of this name",
                               "name servers hold while an interface of the node is there"));
    }
    if (dns.servers().empty() && dns.search_domains().empty()) {
      return At(where, Invalid("it says neither servers nor search domains", "say one at least"));
    }
    used_.insert(dns.interface());
    return {};
  }

 private:
  std::unordered_set<std::string> free_;
  std::unordered_set<std::string> used_;
};

template <class Part, class Check>
Status CheckAll(const std::vector<Part>& parts, Check&& check) {
  for (const Part& part : parts) WGNET_RETURN_IF_ERROR(check(part));
  return {};
}

}  // namespace

Node& Node::Add(Interface interface) {
  interfaces_.push_back(std::move(interface));
  return *this;
}

Node& Node::Add(PolicyRoute route) {
  policy_routes_.push_back(std::move(route));
  return *this;
}

Node& Node::Add(NatRule rule) {
  nat_rules_.push_back(std::move(rule));
  return *this;
}

Node& Node::Add(ForwardRule rule) {
  forward_rules_.push_back(std::move(rule));
  return *this;
}

Node& Node::Add(Dns dns) {
  dns_.push_back(std::move(dns));
  return *this;
}

Node& Node::Add(KillSwitch kill_switch) {
  if (kill_switch_) {
    Remember(kill_switch_->error_,
             Invalid("the node has two kill switches", "one lets out all that may leave"),
             "KillSwitch");
  } else {
    kill_switch_ = std::move(kill_switch);
  }
  return *this;
}

Status Node::Check() const {
  WGNET_RETURN_IF_ERROR(CheckAll(interfaces_, CheckInterface));
  WGNET_RETURN_IF_ERROR(CheckAll(policy_routes_, CheckPolicyRoute));
  WGNET_RETURN_IF_ERROR(CheckAll(
      interfaces_, [&](const Interface& interface) { return CheckMtu(*this, interface); }));
  WGNET_RETURN_IF_ERROR(CheckAll(nat_rules_, CheckNatRule));
  WGNET_RETURN_IF_ERROR(CheckAll(forward_rules_, CheckForwardRule));
  WGNET_RETURN_IF_ERROR(CheckAll(dns_, DnsCheck(*this)));
  if (kill_switch_) WGNET_RETURN_IF_ERROR(OwnMistake(*kill_switch_));
  std::unordered_set<std::string> names;
  std::unordered_set<uint16_t> ports;
  for (const Interface& interface : interfaces_) {
    const uint16_t port = interface.listen_port().value_or(0);
    if (port != 0 && !ports.insert(port).second) {
      return At(WhereOf(interface) + ".ListenPort",
                Invalid("two interfaces listen on port " + std::to_string(port),
                        "choose another, or none for a free one"));
    }
    if (!names.insert(interface.name()).second) {
      return At(WhereOf(interface),
                Invalid("two interfaces have this name", "one interface holds all its options"));
    }
  }
  std::unordered_set<std::string> tunnels;
  for (size_t i = 0; i < policy_routes_.size(); ++i) {
    const PolicyRoute& route = policy_routes_[i];
    const auto end = policy_routes_.begin() + static_cast<ptrdiff_t>(i);
    if (std::find(policy_routes_.begin(), end, route) != end) {
      return At("PolicyRoute(" + QuoteForMessage(route.interface()) + ")",
                Invalid("the policy route is given twice", "one is enough"));
    }
    if (route.is_full_tunnel() && !tunnels.insert(route.interface()).second) {
      return At("PolicyRoute(" + QuoteForMessage(route.interface()) + ")",
                Invalid("the interface has two full tunnels", "one is for both families"));
    }
  }
  return {};
}

}  // namespace wgnet
