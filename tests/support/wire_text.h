// SPDX-License-Identifier: MIT OR Apache-2.0
// Netlink messages as text that can be held beside the kernel's headers. It reads bytes by its own
// means, so that it can judge the library's.
#ifndef WGNET_TESTS_SUPPORT_WIRE_TEXT_H_
#define WGNET_TESTS_SUPPORT_WIRE_TEXT_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/netlink/transport.h"

namespace wgnet::testing {

/// Every message: type, flags and length; each field of its family header; each attribute with its
/// number, name, length and bytes, in the order of the wire. Nests, told by NLA_F_NESTED, are
/// indented. What does not fit is said in capitals.
std::string WireText(netlink::Bus bus, std::span<const std::byte> messages);

/// "0a 00 ff"
std::string HexOf(std::span<const std::byte> bytes);
std::vector<std::byte> BytesOfHex(std::string_view hex);

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_WIRE_TEXT_H_
