// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/netlink/socket.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>

namespace wgnet::netlink {

ssize_t ReceiveFromKernel(int fd, std::span<std::byte> buffer) {
  while (true) {
    sockaddr_nl from{};
    iovec part{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const ssize_t size = recvmsg(fd, &message, MSG_DONTWAIT | MSG_TRUNC);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return -errno;
    // Another process may send to this port; only the kernel has port 0.
    if (from.nl_pid != 0) continue;
    if ((message.msg_flags & MSG_TRUNC) != 0) return -EMSGSIZE;
    return size;
  }
}

void SetBuffer(int fd, int forced, int plain, int size) {
  if (setsockopt(fd, SOL_SOCKET, forced, &size, sizeof size) != 0) {
    static_cast<void>(setsockopt(fd, SOL_SOCKET, plain, &size, sizeof size));
  }
}

}  // namespace wgnet::netlink
