// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/facts.h"

#include <algorithm>
#include <set>

#include "src/base/text.h"
#include "src/base/try.h"
#include "src/plan/paths.h"

namespace wgnet::plan {
namespace {

class Collector final : public ObjectVisitor {
 public:
  explicit Collector(Facts& facts) : facts_(facts) {}

  void Restart() override {
    facts_.links.clear();
    facts_.rules.clear();
    facts_.base_chains.clear();
    facts_.settings.clear();
  }
  void Visit(const kernel::Object& object) override {
    if (const auto* link = std::get_if<kernel::Link>(&object)) facts_.links.push_back(*link);
    if (const auto* rule = std::get_if<kernel::Rule>(&object)) facts_.rules.push_back(*rule);
    if (const auto* sysctl = std::get_if<kernel::Sysctl>(&object)) {
      facts_.settings[sysctl->name->str()] = sysctl->value->str();
    }
    const auto* chain = std::get_if<kernel::NftChain>(&object);
    if (chain != nullptr && chain->hook) facts_.base_chains.push_back(*chain);
  }
  void VisitRule(const kernel::NftRule&) override {}

 private:
  Facts& facts_;
};

// ---- endpoints ----

std::string WhereOf(const Interface& interface, const Peer& peer) {
  return "Interface(" + QuoteForMessage(interface.name()) + ").Peer(\"" +
         peer.public_key().ToString() + "\").Endpoint";
}

uint32_t KnownMark(const Node& node, const Interface& interface, const Record& own) {
  for (const PolicyRoute& route : node.policy_routes()) {
    if (route.is_full_tunnel() && route.interface() == interface.name() && route.fwmark()) {
      return route.fwmark()->value;
    }
  }
  if (interface.fwmark()) return *interface.fwmark();
  return own.FindAllocation("mark of " + interface.name()).value_or(0);
}

// The node's links, and those that the owner still has of before.
std::vector<uint32_t> OwnLinks(const Node& node, const Record& own, const Facts& facts) {
  std::vector<uint32_t> links;
  const auto add = [&](std::string_view name) {
    if (const kernel::Link* link = facts.FindLink(name)) links.push_back(*link->index);
  };
  for (const Interface& interface : node.interfaces()) add(interface.name());
  for (const kernel::Object& object : own.objects) {
    if (const auto* link = std::get_if<kernel::Link>(&object)) add(link->name->view());
  }
  return links;
}

const kernel::Link* FindByName(std::span<const kernel::Link> links, std::string_view name) {
  const auto found = std::find_if(links.begin(), links.end(), [&](const kernel::Link& link) {
    return link.name->view() == name;
  });
  return found == links.end() ? nullptr : &*found;
}

const kernel::SocketAddress* FindGiven(const Interface& interface, const Peer& peer,
                                       std::span<const kernel::Link> links,
                                       const GivenEndpoints& given) {
  const kernel::Link* link = FindByName(links, interface.name());
  return link != nullptr ? given.Find(*link->index, peer.public_key(), *peer.endpoint()) : nullptr;
}

// Which address each peer's endpoint has, and the way there.
class PathGatherer {
 public:
  PathGatherer(const Hosts& hosts, const GivenEndpoints& given, Paths& paths, Facts& facts)
      : hosts_(hosts), given_(given), paths_(paths), facts_(facts) {}

  Status Gather(const Interface& interface, uint32_t mark) {
    for (const Peer& peer : interface.peers()) {
      if (!peer.endpoint()) continue;
      auto address = Choose(interface, peer, mark);
      if (!address) {
        address.error().where = WhereOf(interface, peer);
        return address.error();
      }
      if (!*address) continue;
      Facts::Path path{**address, std::nullopt};
      if (!interface.mtu()) {
        WGNET_ASSIGN_OR_RETURN(path.mtu, paths_.MtuTo(path.address.address, mark));
      }
      facts_.paths[Facts::PathKey(interface, peer)] = path;
    }
    return {};
  }

 private:
  // Nothing where the name does not resolve.
  Result<std::optional<kernel::SocketAddress>> Choose(const Interface& interface, const Peer& peer,
                                                      uint32_t mark) {
    using Address = std::optional<kernel::SocketAddress>;
    if (const auto* known = FindGiven(interface, peer, facts_.links, given_)) {
      return Address(*known);
    }
    const HostAnswer* answer = AnswerFor(*peer.endpoint(), hosts_);
    if (answer == nullptr) return NotLookedUp();
    if (answer->kind != HostAnswer::Kind::kFound) {
      facts_.warnings.push_back(
          UnresolvedWarning(Unresolved(*peer.endpoint(), *answer, WhereOf(interface, peer))));
      return Address();
    }
    WGNET_ASSIGN_OR_RETURN(const auto reachable, paths_.Reachable(answer->addresses, mark));
    const auto find_link = [&](std::string_view name) {
      const kernel::Link* link = facts_.FindLink(name);
      return link != nullptr ? link->index : std::nullopt;
    };
    WGNET_ASSIGN_OR_RETURN(const auto address,
                           AddressOf(*peer.endpoint(), reachable.front(), find_link));
    return Address(address);
  }

  static Error NotLookedUp() {
    return {.code = ErrorCode::kStale,
            .message = "the interface went away while names were looked up",
            .hint = "make a new plan"};
  }

  const Hosts& hosts_;
  const GivenEndpoints& given_;
  Paths& paths_;
  Facts& facts_;
};

Status GatherPaths(const Node& node, const Record& own, const Hosts& hosts, Paths& paths,
                   Facts& facts) {
  const GivenEndpoints given =
      own.names.empty() ? GivenEndpoints() : GivenEndpoints(WithoutLost(own, facts.links));
  PathGatherer gatherer(hosts, given, paths, facts);
  for (const Interface& interface : node.interfaces()) {
    WGNET_RETURN_IF_ERROR(gatherer.Gather(interface, KnownMark(node, interface, own)));
  }
  return {};
}

// ---- tables ----

bool IsFullTunnel(const Node& node, const Interface& interface) {
  const auto& routes = node.policy_routes();
  const auto& peers = interface.peers();
  return std::any_of(routes.begin(), routes.end(),
                     [&](const PolicyRoute& route) {
                       return route.is_full_tunnel() && route.interface() == interface.name();
                     }) ||
         std::any_of(peers.begin(), peers.end(), [](const Peer& peer) {
           return std::any_of(peer.allowed_ips().begin(), peer.allowed_ips().end(),
                              [](const Prefix& ip) { return ip.is_default(); });
         });
}

// Looks at one table after the other, until as many are free as are needed.
Status FindFreeTables(uint32_t first, ptrdiff_t needed, Reader& reader, Facts& facts) {
  for (uint32_t table = first; needed > 0; ++table) {
    WGNET_ASSIGN_OR_RETURN(const auto v4, ReadTable({Family::kIpv4, table}, reader));
    WGNET_ASSIGN_OR_RETURN(const auto v6, ReadTable({Family::kIpv6, table}, reader));
    if (!v4.empty() || !v6.empty()) facts.used_tables.push_back(table);
    if (facts.IsFreeTable(table)) --needed;
  }
  return {};
}

Status GatherUsedTables(const Node& node, Reader& reader, Facts& facts) {
  const auto& interfaces = node.interfaces();
  const auto& routes = node.policy_routes();
  const auto tunnels = std::count_if(interfaces.begin(), interfaces.end(),
                                     [&](const auto& each) { return IsFullTunnel(node, each); });
  const auto prefixes = std::count_if(routes.begin(), routes.end(),
                                      [](const auto& each) { return !each.is_full_tunnel(); });
  WGNET_RETURN_IF_ERROR(FindFreeTables(kFirstTunnelMark, tunnels, reader, facts));
  return FindFreeTables(kFirstPrefixTable, prefixes, reader, facts);
}

// ---- what is read always ----

// Settings that a node may claim, and those that a claim would move besides.
std::vector<kernel::SysctlName> SettingNames(const Node& node, const Facts& facts) {
  std::vector<kernel::SysctlName> names = {
      "net/ipv4/conf/all/rp_filter", "net/ipv4/conf/all/src_valid_mark",
      "net/ipv4/conf/all/send_redirects", "net/ipv4/conf/default/forwarding"};
  if (node.forward_rules().empty()) return names;
  std::vector<std::string> conf = {"net/ipv6/conf/all", "net/ipv6/conf/default"};
  for (const kernel::Link& link : facts.links) conf.push_back("net/ipv6/conf/" + link.name->str());
  for (const std::string& path : conf) {
    names.emplace_back(path + "/forwarding");
    names.emplace_back(path + "/accept_ra");
  }
  return names;
}

Status GatherSettings(const Node& node, Reader& reader, Facts& facts) {
  Scope scope;
  scope.sysctls = SettingNames(node, facts);
  Facts read;
  Collector collector(read);
  WGNET_RETURN_IF_ERROR(reader.Read(scope, collector));
  facts.settings = std::move(read.settings);
  return {};
}

Result<DnsHost> FindDnsHost(const Dns& dns, DnsSystem* system) {
  if (system != nullptr) return system->FindHost(dns.backend());
  return Error{.code = ErrorCode::kNotSupported,
               .message = "there is no resolver that could be told of name servers",
               .hint = "leave the name servers out"};
}

// wg-quick's fallback counts only where no endpoint gave an MTU.
bool NeedsDefaultRoute(const Node& node, const Facts& facts) {
  return std::any_of(
      node.interfaces().begin(), node.interfaces().end(), [&](const auto& interface) {
        if (interface.mtu()) return false;
        return std::none_of(interface.peers().begin(), interface.peers().end(),
                            [&](const Peer& peer) {
                              const Facts::Path* path = facts.PathTo(interface, peer);
                              return path != nullptr && path->mtu;
                            });
      });
}

}  // namespace

const kernel::Link* Facts::FindLink(std::string_view name) const { return FindByName(links, name); }

const kernel::Link* Facts::FindLink(uint32_t index) const {
  const auto found = std::find_if(links.begin(), links.end(),
                                  [&](const kernel::Link& link) { return link.index == index; });
  return found == links.end() ? nullptr : &*found;
}

std::optional<int> Facts::Setting(std::string_view name) const {
  const auto found = settings.find(name);
  if (found == settings.end()) return std::nullopt;
  const auto number = ParseDecimal(found->second, INT32_MAX);
  return number ? std::optional(static_cast<int>(*number)) : std::nullopt;
}

std::pair<std::string, std::string> Facts::PathKey(const Interface& interface, const Peer& peer) {
  return {interface.name(), peer.public_key().ToString()};
}

const Facts::Path* Facts::PathTo(const Interface& interface, const Peer& peer) const {
  const auto found = paths.find(PathKey(interface, peer));
  return found != paths.end() ? &found->second : nullptr;
}

bool Facts::IsStated(uint32_t number) const {
  return std::find(stated_numbers.begin(), stated_numbers.end(), number) != stated_numbers.end();
}

bool Facts::IsFreeTable(uint32_t table) const {
  return !IsStated(table) &&
         std::find(used_tables.begin(), used_tables.end(), table) == used_tables.end() &&
         std::none_of(rules.begin(), rules.end(), [&](const kernel::Rule& rule) {
           return rule.table == table || rule.fwmark == table;
         });
}

bool MatchesPattern(std::string_view name, std::string_view pattern) {
  if (!pattern.ends_with('*')) return name == pattern;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

std::vector<uint32_t> StatedNumbers(const Node& node) {
  std::vector<uint32_t> numbers;
  for (const Interface& interface : node.interfaces()) {
    const auto& table = interface.table();
    if (table && table->number() != 0) numbers.push_back(table->number());
    if (interface.fwmark()) numbers.push_back(*interface.fwmark());
  }
  for (const PolicyRoute& route : node.policy_routes()) {
    if (route.table()) numbers.push_back(*route.table());
    if (route.fwmark()) numbers.push_back(route.fwmark()->value);
  }
  return numbers;
}

Result<Hosts> ResolveHosts(const Node& node, const LookUpOptions& options,
                           const GivenEndpoints& given, std::span<const kernel::Link> links) {
  std::set<std::string> names;
  const auto for_each_new = [&](const auto& visit) -> Status {
    for (const Interface& interface : node.interfaces()) {
      for (const Peer& peer : interface.peers()) {
        if (!peer.endpoint() || FindGiven(interface, peer, links, given) != nullptr) continue;
        WGNET_RETURN_IF_ERROR(visit(interface, peer));
      }
    }
    return {};
  };
  WGNET_RETURN_IF_ERROR(for_each_new([&](const Interface&, const Peer& peer) -> Status {
    names.insert(HostOf(*peer.endpoint()));
    return {};
  }));
  Hosts hosts = LookUp(names, options);
  if (options.unresolved == UnresolvedEndpoint::kLater) return hosts;
  WGNET_RETURN_IF_ERROR(for_each_new([&](const Interface& interface, const Peer& peer) -> Status {
    const HostAnswer& answer = *AnswerFor(*peer.endpoint(), hosts);
    if (answer.kind == HostAnswer::Kind::kFound) return {};
    return Unresolved(*peer.endpoint(), answer, WhereOf(interface, peer));
  }));
  return hosts;
}

Result<Facts> GatherFacts(const Node& node, const Record& own, const Hosts& hosts, Reader& reader,
                          DnsSystem* dns) {
  Facts facts;
  Collector collector(facts);
  Scope scope;
  scope.links = true;
  scope.rules = true;
  scope.base_chains = !node.forward_rules().empty();
  WGNET_RETURN_IF_ERROR(reader.Read(scope, collector));
  // What is on record goes with its link: a part of an answer can be lost.
  if (!LostLinks(own, facts.links).empty()) {
    WGNET_RETURN_IF_ERROR(reader.Read(scope, collector));
  }
  if (node.empty()) return facts;
  WGNET_RETURN_IF_ERROR(GatherSettings(node, reader, facts));
  Paths paths(facts.links, OwnLinks(node, own, facts), reader);
  WGNET_RETURN_IF_ERROR(GatherPaths(node, own, hosts, paths, facts));
  if (NeedsDefaultRoute(node, facts)) {
    WGNET_ASSIGN_OR_RETURN(facts.default_route_mtu, paths.DefaultMtu());
  }
  facts.stated_numbers = StatedNumbers(node);
  WGNET_RETURN_IF_ERROR(GatherUsedTables(node, reader, facts));
  for (const Dns& each : node.dns()) {
    facts.dns_hosts.emplace(each.interface(), FindDnsHost(each, dns));
  }
  return facts;
}

}  // namespace wgnet::plan
