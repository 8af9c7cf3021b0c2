// SPDX-License-Identifier: MIT OR Apache-2.0
// What all netlink sockets have in common.
#ifndef WGNET_NETLINK_SOCKET_H_
#define WGNET_NETLINK_SOCKET_H_

#include <sys/types.h>

#include <cstddef>
#include <span>

namespace wgnet::netlink {

/// One datagram from the kernel, without waiting: its size, or a negative errno.
ssize_t ReceiveFromKernel(int fd, std::span<std::byte> buffer);

/// Forced where CAP_NET_ADMIN reaches the initial user namespace; else what the system allows.
void SetBuffer(int fd, int forced, int plain, int size);

}  // namespace wgnet::netlink

#endif  // WGNET_NETLINK_SOCKET_H_
