// SPDX-License-Identifier: MIT OR Apache-2.0
// The links that userspace implementations of WireGuard serve
// (Documentation/networking/tuntap.rst).
#ifndef WGNET_WIREGUARD_TUN_H_
#define WGNET_WIREGUARD_TUN_H_

#include <cstdint>
#include <functional>
#include <string_view>

namespace wgnet::wireguard {

/// Makes a tun link in the calling thread's namespace, which stays without a program: its index is
/// chosen here, and addresses, routes and what they keep from leaking outlive the program. `index`
/// 0: the kernel chooses. A program opens it by its name, and must ask for several queues if, and
/// only if, the link has been made with them. 0 or an errno. EEXIST: the name or the index is
/// taken; ENODEV, ENOENT: the kernel has no tun links.
/// Before that, `tag` marks the link as ours, or fails with an errno: until then it goes with the
/// process.
int MakeTun(std::string_view name, uint32_t index, bool multi_queue,
            const std::function<int()>& tag);

/// Whether a socket in the calling thread's namespace has the UDP port, in either family.
bool IsPortTaken(uint16_t port);

}  // namespace wgnet::wireguard

#endif  // WGNET_WIREGUARD_TUN_H_
