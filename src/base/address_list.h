// SPDX-License-Identifier: MIT OR Apache-2.0
// getaddrinfo(3) and its answers, for the resolvers.
#ifndef WGNET_BASE_ADDRESS_LIST_H_
#define WGNET_BASE_ADDRESS_LIST_H_

#include <sys/socket.h>

#include <optional>
#include <string>

#include "wgnet/resolver.h"

namespace wgnet {

/// The address in a socket's; nothing for one that is neither IPv4 nor IPv6.
std::optional<IpAddress> AddressIn(const sockaddr& address);

/// Asks as wg(8) does; `flags` are AI_*.
HostAnswer AskLibc(const std::string& host, int flags);

}  // namespace wgnet

#endif  // WGNET_BASE_ADDRESS_LIST_H_
