// SPDX-License-Identifier: MIT OR Apache-2.0
// Values of single keys, without a place. Errors say what is wrong with the text.
#ifndef WGNET_CONF_VALUE_H_
#define WGNET_CONF_VALUE_H_

#include <cstdint>
#include <string_view>

#include "wgnet/device_update.h"
#include "wgnet/error.h"
#include "wgnet/interface.h"
#include "wgnet/types.h"

namespace wgnet::conf {

/// A number, or the name of a UDP service.
Result<uint16_t> ReadPort(std::string_view text);
/// "off" in any case, decimal, or "0x" and hexadecimal.
Result<uint32_t> ReadFwMark(std::string_view text);
/// "off" in any case, or decimal.
Result<uint16_t> ReadKeepalive(std::string_view text);
/// As Endpoint::Parse, and the host can be a name or an address.
Result<Endpoint> ReadEndpoint(std::string_view text);
/// ADDRESS, ADDRESS/LENGTH or, as ip(8) has it, IPV4/NETMASK.
Result<Prefix> ReadAddress(std::string_view text);
/// A prefix of AllowedIPs, which a `+` marks to be added, or a `-` to be taken away.
Result<AllowedIpEdit> ReadAllowedIp(std::string_view text);
bool IsMarked(std::string_view allowed_ip);
Result<uint16_t> ReadMtu(std::string_view text);
/// "auto", "off", a number, or a name of iproute2's rt_tables.
Result<RouteTable> ReadTable(std::string_view text);
/// "true" or "false" in any case.
Result<bool> ReadBool(std::string_view text);

}  // namespace wgnet::conf

#endif  // WGNET_CONF_VALUE_H_
