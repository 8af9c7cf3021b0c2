// SPDX-License-Identifier: MIT OR Apache-2.0
// The names that iproute2 has for routing tables.
#ifndef WGNET_CONF_ROUTE_TABLES_H_
#define WGNET_CONF_ROUTE_TABLES_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace wgnet::conf {

/// Where iproute2 keeps its names; what the administrator says comes first.
std::span<const std::string> RouteTableDirectories();

/// Looks in DIRECTORY/rt_tables and DIRECTORY/rt_tables.d/*.conf. Table 0 has no name.
std::optional<uint32_t> RouteTableByName(
    std::string_view name, std::span<const std::string> directories = RouteTableDirectories());

}  // namespace wgnet::conf

#endif  // WGNET_CONF_ROUTE_TABLES_H_
