// SPDX-License-Identifier: MIT OR Apache-2.0
// What `wg show` prints, byte for byte (wg(8), wireguard-tools 1.0.20260223).
#ifndef WGNET_EXAMPLES_WGNET_SHOW_H_
#define WGNET_EXAMPLES_WGNET_SHOW_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "secret_text.h"
#include "wgnet/snapshot.h"

namespace cli {

struct ShowStyle {
  bool color = false;
  bool reveal_keys = false;
  int64_t now = 0;  ///< seconds since 1970
};

/// For people: peers with the latest handshake first.
SecretText ShowPretty(std::span<const wgnet::DeviceStatus> devices, const ShowStyle& style);

/// For scripts: one field of ShowFields(), keys and all, in the kernel's order. `with_name` begins
/// each line with the device's name.
SecretText ShowField(std::span<const wgnet::DeviceStatus> devices, std::string_view field,
                     bool with_name);
std::vector<std::string> ShowFields();

/// A file for `setconf`, keys and all.
SecretText ShowConfText(const wgnet::DeviceStatus& device);

/// The devices' names on one line; no line if there are none.
SecretText ShowNames(std::span<const wgnet::DeviceStatus> devices);

}  // namespace cli

#endif  // WGNET_EXAMPLES_WGNET_SHOW_H_
