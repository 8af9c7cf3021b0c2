// SPDX-License-Identifier: MIT OR Apache-2.0
// A WireGuard device: WG_CMD_SET_DEVICE without its peers (linux/wireguard.h).
#ifndef WGNET_KERNEL_WG_DEVICE_H_
#define WGNET_KERNEL_WG_DEVICE_H_

#include <linux/genetlink.h>
#include <linux/wireguard.h>

#include <optional>

#include "src/kernel/rtnetlink.h"

namespace wgnet::kernel {

struct WgDevice {
  std::optional<LinkRef> dev;
  std::optional<SecretKey> private_key;
  std::optional<PublicKey> public_key;
  std::optional<uint16_t> listen_port;  // 0: the kernel chooses
  std::optional<uint32_t> fwmark;       // 0: none
};

/// Of 0, which leaves the choice to the kernel, a device that is up reports what was chosen.
struct ListenPort : netlink::U16 {
  static bool IsAny(uint16_t port) { return port == 0; }
};

/// A deleted device needs no message: it goes with its link.
void Encode(const Edit<WgDevice>& edit, const EncodeContext& context, netlink::MessageWriter& out);

Commands CommandsOf(const Edit<WgDevice>& edit, const netlink::SecretWord& secret);

/// The header of a WireGuard request.
inline constexpr genlmsghdr kSetDevice{WG_CMD_SET_DEVICE, WG_GENL_VERSION, 0};
inline constexpr genlmsghdr kGetDevice{WG_CMD_GET_DEVICE, WG_GENL_VERSION, 0};

}  // namespace wgnet::kernel

template <>
struct wgnet::netlink::Schema<wgnet::kernel::WgDevice> {
  using WgDevice = kernel::WgDevice;
  using Header = genlmsghdr;
  static constexpr std::string_view kName = "wireguard";
  static constexpr kernel::Bus kBus = kernel::Bus::kGeneric;
  static constexpr bool kChangeWhole = false;
  static constexpr bool kDeleteWhole = false;
  static constexpr auto kRows =
      std::tuple{Attr<kernel::LinkIndex>(WGDEVICE_A_IFINDEX, "dev", "", &WgDevice::dev, Role::kKey),
                 Attr<kernel::ListenPort>(WGDEVICE_A_LISTEN_PORT, "listen_port", "listen-port",
                                          &WgDevice::listen_port),
                 Attr<HexU32>(WGDEVICE_A_FWMARK, "fwmark", "fwmark", &WgDevice::fwmark,
                              Role::kValue, Stage::kSwitch),
                 Attr<SecretKeyWire>(WGDEVICE_A_PRIVATE_KEY, "private_key", "private-key",
                                     &WgDevice::private_key, Role::kSecret),
                 Attr<PublicKeyWire>(WGDEVICE_A_PUBLIC_KEY, "public_key", kNoWord,
                                     &WgDevice::public_key, Role::kObserved)};
  /// A device without a key reports none.
  static void Normalize(WgDevice& device) {
    if (!device.private_key) device.private_key.emplace();
  }
};

#endif  // WGNET_KERNEL_WG_DEVICE_H_
