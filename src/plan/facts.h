// SPDX-License-Identifier: MIT OR Apache-2.0
// What lowering has to know of the kernel before it can say which objects a node becomes.
#ifndef WGNET_PLAN_FACTS_H_
#define WGNET_PLAN_FACTS_H_

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "src/plan/endpoints.h"
#include "src/plan/reader.h"
#include "src/plan/record.h"
#include "wgnet/node.h"

namespace wgnet::plan {

struct Facts {
  struct Path {
    kernel::SocketAddress address;
    std::optional<uint32_t> mtu;  // of the route there, or of its link
  };

  std::vector<kernel::Link> links;
  std::vector<kernel::Rule> rules;
  std::vector<kernel::NftChain> base_chains;
  std::vector<uint32_t> used_tables;  // of those that lowering might choose
  std::vector<uint32_t> stated_numbers;
  std::map<std::pair<std::string, std::string>, Path> paths;  // by interface and public key
  std::optional<uint32_t> default_route_mtu;                  // of the main table, IPv4 before IPv6
  std::map<std::string, std::string, std::less<>> settings;   // under /proc/sys
  std::vector<std::string> warnings;                          // of names that do not resolve

  std::map<std::string, Result<DnsHost>> dns_hosts;  // by interface

  static std::pair<std::string, std::string> PathKey(const Interface& interface, const Peer& peer);
  /// The way to the peer's endpoint; null if it has none, or one whose name does not resolve.
  const Path* PathTo(const Interface& interface, const Peer& peer) const;
  const kernel::Link* FindLink(std::string_view name) const;
  const kernel::Link* FindLink(uint32_t index) const;
  /// A setting's number, or nothing where this kernel does not have it.
  std::optional<int> Setting(std::string_view name) const;
  bool IsStated(uint32_t number) const;
  /// The node does not name it, nobody has a route in the table, and no rule leads there or asks
  /// for a mark of this number.
  bool IsFreeTable(uint32_t table) const;
};

/// Looks up the names in the node, but for those in `given`, as far as the node's links exist. May
/// wait for a name server, so it is done before any lock.
Result<Hosts> ResolveHosts(const Node& node, const LookUpOptions& options,
                           const GivenEndpoints& given = {},
                           std::span<const kernel::Link> links = {});

/// Reads what is needed for the node. `dns` may be null.
Result<Facts> GatherFacts(const Node& node, const Record& own, const Hosts& hosts, Reader& reader,
                          DnsSystem* dns);

/// The tables and marks that the node names; none of them is ever chosen.
std::vector<uint32_t> StatedNumbers(const Node& node);

/// Whether a link's name fits a name or, with a `*` at the end, a pattern.
bool MatchesPattern(std::string_view name, std::string_view pattern);

/// The first number that a full tunnel without a mark is given: wg-quick's.
inline constexpr uint32_t kFirstTunnelMark = 51820;
/// The first table that a prefix without one is given.
inline constexpr uint32_t kFirstPrefixTable = 52820;

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_FACTS_H_
