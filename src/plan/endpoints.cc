// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/endpoints.h"

#include "src/base/text.h"
#include "src/base/try.h"

namespace wgnet::plan {
namespace {

struct HostAndZone {
  std::string host;
  std::string zone;  // of fe80::1%eth0
};

HostAndZone SplitZone(const Endpoint& endpoint) {
  const size_t percent = endpoint.host().find('%');
  if (percent == std::string::npos) return {endpoint.host(), ""};
  return {endpoint.host().substr(0, percent), endpoint.host().substr(percent + 1)};
}

Result<IpAddress> LookUp(const std::string& host, const Resolver& resolver) {
  if (auto literal = IpAddress::Parse(host)) return literal;
  WGNET_ASSIGN_OR_RETURN(const auto found, resolver(host));
  if (!found.empty()) return found.front();
  return Error{.code = ErrorCode::kUnresolved,
               .message = "the host " + QuoteForMessage(host) + " has no address",
               .hint = "give an address, or see that the name resolves"};
}

}  // namespace

Status ResolveHost(const Endpoint& endpoint, const Resolver& resolver, Hosts& hosts) {
  const std::string host = SplitZone(endpoint).host;
  if (hosts.contains(host)) return {};
  WGNET_ASSIGN_OR_RETURN(hosts[host], LookUp(host, resolver));
  return {};
}

Result<kernel::SocketAddress> AddressOf(const Endpoint& endpoint, const Hosts& hosts,
                                        const FindLinkIndex& find_link) {
  const auto [host, zone] = SplitZone(endpoint);
  kernel::SocketAddress address{hosts.at(host), endpoint.port(), 0};
  if (zone.empty()) return address;
  const auto by_name = find_link(zone);
  const auto index = ParseDecimal(zone, UINT32_MAX);
  if (!by_name && !index) {
    return Error{.code = ErrorCode::kNotFound,
                 .message = "the endpoint " + QuoteForMessage(endpoint.ToString()) +
                            " names an interface that does not exist",
                 .hint = "what stands behind the % is the name or the index of a link"};
  }
  address.scope_id = by_name ? *by_name : static_cast<uint32_t>(*index);
  return address;
}

}  // namespace wgnet::plan
