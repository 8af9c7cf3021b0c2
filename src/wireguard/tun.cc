// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/wireguard/tun.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "src/base/unique_fd.h"

namespace wgnet::wireguard {
namespace {

template <class Address>
bool IsTaken(const Address& address, int family) {
  const UniqueFd socket(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.ok()) return false;
  const int on = 1;
  if (family == AF_INET6) setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  return bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
         errno == EADDRINUSE;
}

}  // namespace

int MakeTun(std::string_view name, uint32_t index, bool multi_queue,
            const std::function<int()>& tag) {
  ifreq request{};
  if (name.size() >= sizeof request.ifr_name) return ENAMETOOLONG;
  std::copy(name.begin(), name.end(), request.ifr_name);
  // TUNSETIFF of a name that exists would open it.
  if (if_nametoindex(request.ifr_name) != 0) return EEXIST;
  const UniqueFd tun(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  if (!tun.ok()) return errno;
  const unsigned wanted = index;
  if (index != 0 && ioctl(tun.get(), TUNSETIFINDEX, &wanted) != 0) return errno;
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | (multi_queue ? IFF_MULTI_QUEUE : 0));
  if (ioctl(tun.get(), TUNSETIFF, &request) != 0) return errno == EBUSY ? EEXIST : errno;
  if (const int error = tag()) return error;
  return ioctl(tun.get(), TUNSETPERSIST, 1) != 0 ? errno : 0;
}

bool IsPortTaken(uint16_t port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  return IsTaken(v4, AF_INET) || IsTaken(v6, AF_INET6);
}

}  // namespace wgnet::wireguard
