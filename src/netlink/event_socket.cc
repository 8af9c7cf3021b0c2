// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/netlink/event_socket.h"

#include <fmt/format.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "src/base/try.h"
#include "src/netlink/socket.h"

namespace wgnet::netlink {
namespace {

Error CannotHear(std::string_view what, int error) {
  const bool denied = error == EPERM || error == EACCES;
  return {.code = denied ? ErrorCode::kPermission : ErrorCode::kNotSupported,
          .message = fmt::format("cannot hear of changes: {}: {}", what, std::strerror(error)),
          .hint = denied ? "it needs CAP_NET_ADMIN in the namespace"
                         : "the kernel may have been built without it",
          .error_number = error};
}

bool Has(const std::vector<int>& groups, int group) {
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

}  // namespace

Result<EventSocket> EventSocket::Open(const NetworkNamespace& netns, int protocol,
                                      int receive_buffer) {
  UniqueFd fd;
  int error = 0;
  const int entered = netns.Run([&] {
    constexpr int kType = SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK;
    fd = UniqueFd(socket(AF_NETLINK, kType, protocol));
    if (!fd.ok()) error = errno;
  });
  if (entered != 0) error = entered;
  sockaddr_nl own{};
  own.nl_family = AF_NETLINK;
  if (error == 0 && bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) {
    error = errno;
  }
  if (error != 0) return CannotHear("netlink", error);
  SetBuffer(fd.get(), SO_RCVBUFFORCE, SO_RCVBUF, receive_buffer);
  return EventSocket(std::move(fd));
}

Status EventSocket::SetFilter(std::span<const sock_filter> program) {
  const sock_fprog filter{static_cast<unsigned short>(program.size()),
                          const_cast<sock_filter*>(program.data())};
  if (setsockopt(fd_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0) return {};
  return CannotHear("a filter", errno);
}

Status EventSocket::SetGroups(const std::vector<int>& groups) {
  const auto set = [&](int option, int group) {
    return setsockopt(fd_.get(), SOL_NETLINK, option, &group, sizeof group) == 0;
  };
  for (const int group : groups) {
    if (!Has(groups_, group) && !set(NETLINK_ADD_MEMBERSHIP, group)) {
      return CannotHear(fmt::format("group {}", group), errno);
    }
  }
  for (const int group : groups_) {
    if (!Has(groups, group)) set(NETLINK_DROP_MEMBERSHIP, group);
  }
  groups_ = groups;
  return {};
}

ssize_t EventSocket::Receive(std::span<std::byte> buffer) const {
  return ReceiveFromKernel(fd_.get(), buffer);
}

}  // namespace wgnet::netlink
