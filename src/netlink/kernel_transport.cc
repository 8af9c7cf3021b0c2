// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/netlink/kernel_transport.h"

#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>

#include "src/netlink/socket.h"

namespace wgnet::netlink {
namespace {

constexpr int kSendBuffer = 64 << 20;
constexpr int kReceiveBuffer = 32 << 20;
constexpr size_t kMessageOverhead = 64;  // of what SO_SNDBUF counts

// The kernel reports twice what it was given, and takes messages up to that.
size_t SendLimitOf(int fd) {
  int size = 0;
  socklen_t length = sizeof size;
  if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &length) != 0) return 4096;
  return static_cast<size_t>(size) / 2 - kMessageOverhead;
}

// Not every kernel has every option; none is needed for more than better errors or less data.
void AskFor(mnl_socket* socket, int option) {
  int on = 1;
  static_cast<void>(mnl_socket_setsockopt(socket, option, &on, sizeof on));
}

}  // namespace

Result<std::unique_ptr<KernelTransport>> KernelTransport::Open(
    NetworkNamespace netns, std::shared_ptr<ProcessRunner> runner, std::unique_ptr<DnsSystem> dns) {
  std::unique_ptr<KernelTransport> transport(
      new KernelTransport(std::move(netns), std::move(runner), std::move(dns)));
  const int error = transport->netns_.Run([&] {
    constexpr int kProtocols[] = {NETLINK_ROUTE, NETLINK_GENERIC, NETLINK_NETFILTER};
    for (size_t i = 0; i < kNetlinkBuses; ++i) transport->sockets_[i] = OpenSocket(kProtocols[i]);
  });
  if (error != 0) {
    return Error{
        .code = ErrorCode::kPermission,
        .message = std::string("cannot enter the network namespace: ") + std::strerror(error),
        .where = "netns",
        .hint = "entering one needs CAP_SYS_ADMIN",
        .error_number = error};
  }
  return transport;
}

KernelTransport::~KernelTransport() {
  for (const Socket& socket : sockets_) {
    if (socket.handle != nullptr) mnl_socket_close(socket.handle);
  }
}

KernelTransport::Socket KernelTransport::OpenSocket(int protocol) {
  Socket socket;
  socket.handle = mnl_socket_open2(protocol, SOCK_CLOEXEC);
  if (socket.handle == nullptr || mnl_socket_bind(socket.handle, 0, MNL_SOCKET_AUTOPID) != 0) {
    socket.error = errno;
    if (socket.handle != nullptr) mnl_socket_close(socket.handle);
    socket.handle = nullptr;
    return socket;
  }
  AskFor(socket.handle, NETLINK_EXT_ACK);
  AskFor(socket.handle, NETLINK_CAP_ACK);
  if (protocol == NETLINK_ROUTE) AskFor(socket.handle, NETLINK_GET_STRICT_CHK);
  const int fd = mnl_socket_get_fd(socket.handle);
  SetBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, kSendBuffer);
  SetBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, kReceiveBuffer);
  socket.send_limit = SendLimitOf(fd);
  return socket;
}

int KernelTransport::Send(Bus bus, std::span<const iovec> parts) {
  const Socket& socket = SocketOf(bus);
  if (socket.handle == nullptr) return socket.error;
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  msghdr message{};
  message.msg_name = &kernel;
  message.msg_namelen = sizeof kernel;
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = parts.size();
  ssize_t sent;
  do {
    sent = sendmsg(mnl_socket_get_fd(socket.handle), &message, 0);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? errno : 0;
}

ssize_t KernelTransport::Receive(Bus bus, std::span<std::byte> buffer) {
  const Socket& socket = SocketOf(bus);
  if (socket.handle == nullptr) return -socket.error;
  return ReceiveFromKernel(mnl_socket_get_fd(socket.handle), buffer);
}

int KernelTransport::StartNoticing() {
  constexpr int kEnough = 4096;  // one is, and more may be lost
  auto events = EventSocket::Open(netns_, NETLINK_ROUTE, kEnough);
  if (!events) return events.error().error_number;
  const Status heard =
      events->SetGroups({RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                         RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE});
  if (!heard) return heard.error().error_number;
  events_ = *std::move(events);
  return 0;
}

bool KernelTransport::StopNoticing() {
  if (!events_) return false;
  std::byte any[NLMSG_HDRLEN];
  const bool noticed = events_->Receive(any) != -EAGAIN;
  events_.reset();
  return noticed;
}

int KernelTransport::OpenSetting(const char* name, bool writable) {
  char path[PATH_MAX];
  if (std::snprintf(path, sizeof path, "/proc/sys/%s", name) >= PATH_MAX) return -ENAMETOOLONG;
  int fd = -1;
  int error = 0;
  // The file belongs to the namespace that it was opened in, whoever reads or writes it later.
  const auto open_inside = [&] {
    fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW);
    error = errno;
  };
  const int entered = netns_.Run(std::ref(open_inside));  // a reference, so nothing is allocated
  if (entered != 0) return -entered;
  return fd >= 0 ? fd : -error;
}

ssize_t KernelTransport::ReadSetting(int handle, std::span<char> value) {
  ssize_t size;
  do {
    size = pread(handle, value.data(), value.size(), 0);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return -errno;
  while (size > 0 && value[static_cast<size_t>(size) - 1] == '\n') --size;
  return size;
}

int KernelTransport::WriteSetting(int handle, std::string_view value) {
  ssize_t size;
  do {
    size = pwrite(handle, value.data(), value.size(), 0);
  } while (size < 0 && errno == EINTR);
  return size < 0 ? errno : 0;
}

void KernelTransport::CloseSetting(int handle) { close(handle); }

int KernelTransport::Run(const Process& process) {
  int status = 0;
  const int error = netns_.Run([&] { status = runner_->Run(process); });
  return error != 0 ? -error : status;
}

}  // namespace wgnet::netlink
