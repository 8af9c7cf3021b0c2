// SPDX-License-Identifier: MIT OR Apache-2.0
// The transport to the running kernel.
#ifndef WGNET_NETLINK_KERNEL_TRANSPORT_H_
#define WGNET_NETLINK_KERNEL_TRANSPORT_H_

#include <array>
#include <memory>
#include <optional>

#include "src/netlink/event_socket.h"
#include "src/netlink/network_namespace.h"
#include "src/netlink/transport.h"
#include "wgnet/error.h"

struct mnl_socket;

namespace wgnet::netlink {

class KernelTransport final : public Transport {
 public:
  /// Opens the sockets in the namespace. A protocol that the kernel does not have fails when it is
  /// used.
  static Result<std::unique_ptr<KernelTransport>> Open(
      NetworkNamespace netns, std::shared_ptr<ProcessRunner> runner = SystemProcessRunner(),
      std::unique_ptr<DnsSystem> dns = nullptr);
  ~KernelTransport() override;

  const NetworkNamespace& netns() const { return netns_; }

  int Send(Bus bus, std::span<const iovec> parts) override;
  ssize_t Receive(Bus bus, std::span<std::byte> buffer) override;
  size_t SendLimit(Bus bus) const override { return SocketOf(bus).send_limit; }
  int StartNoticing() override;
  bool StopNoticing() override;
  int OpenSetting(const char* name, bool writable) override;
  ssize_t ReadSetting(int handle, std::span<char> value) override;
  int WriteSetting(int handle, std::string_view value) override;
  void CloseSetting(int handle) override;
  int Run(const Process& process) override;
  DnsSystem* dns() override { return dns_.get(); }

 private:
  struct Socket {
    mnl_socket* handle = nullptr;
    int error = 0;  // why there is no handle
    size_t send_limit = 0;
  };

  KernelTransport(NetworkNamespace netns, std::shared_ptr<ProcessRunner> runner,
                  std::unique_ptr<DnsSystem> dns)
      : netns_(std::move(netns)), runner_(std::move(runner)), dns_(std::move(dns)) {}
  static Socket OpenSocket(int protocol);
  const Socket& SocketOf(Bus bus) const { return sockets_[static_cast<size_t>(bus)]; }

  NetworkNamespace netns_;
  std::shared_ptr<ProcessRunner> runner_;
  std::unique_ptr<DnsSystem> dns_;
  std::array<Socket, kNetlinkBuses> sockets_;
  std::optional<EventSocket> events_;
};

}  // namespace wgnet::netlink

#endif  // WGNET_NETLINK_KERNEL_TRANSPORT_H_
