// SPDX-License-Identifier: MIT OR Apache-2.0
// The names of generic netlink families (linux/genetlink.h).
#ifndef WGNET_NETLINK_GENERIC_FAMILY_H_
#define WGNET_NETLINK_GENERIC_FAMILY_H_

#include <cstdint>
#include <string_view>

#include "src/netlink/client.h"

namespace wgnet::netlink {

/// Asks for the family's number: CTRL_CMD_GETFAMILY. `request` is overwritten. ENOENT: the kernel
/// has none of that name, and cannot load it.
ReadOutcome ReadGenericFamily(std::string_view name, Client& client, SecretBuffer& request,
                              uint16_t& family);

}  // namespace wgnet::netlink

#endif  // WGNET_NETLINK_GENERIC_FAMILY_H_
