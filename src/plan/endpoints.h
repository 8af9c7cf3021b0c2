// SPDX-License-Identifier: MIT OR Apache-2.0
// From an endpoint's host to the address that the kernel is given.
#ifndef WGNET_PLAN_ENDPOINTS_H_
#define WGNET_PLAN_ENDPOINTS_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/kernel/wg_peer.h"
#include "wgnet/error.h"
#include "wgnet/types.h"

namespace wgnet::plan {

/// Gives the addresses of a host name, best first.
using Resolver = std::function<Result<std::vector<IpAddress>>(const std::string& host)>;

/// The addresses of the endpoints' hosts, by name. An address is its own.
using Hosts = std::map<std::string, IpAddress>;

/// Looks up the endpoint's host, unless it is known. May wait for a name server.
Status ResolveHost(const Endpoint& endpoint, const Resolver& resolver, Hosts& hosts);

/// The index of the link of that name.
using FindLinkIndex = std::function<std::optional<uint32_t>(std::string_view name)>;

/// The address of an endpoint whose host is known. A zone is the name or the index of a link.
Result<kernel::SocketAddress> AddressOf(const Endpoint& endpoint, const Hosts& hosts,
                                        const FindLinkIndex& find_link);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_ENDPOINTS_H_
