// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_TESTS_SUPPORT_NETLINK_ONLY_TRANSPORT_H_
#define WGNET_TESTS_SUPPORT_NETLINK_ONLY_TRANSPORT_H_

#include <cerrno>

#include "src/netlink/transport.h"

namespace wgnet::testing {

/// A kernel without settings, programs and a resolver, in which nobody else changes anything.
class NetlinkOnlyTransport : public netlink::Transport {
 public:
  size_t SendLimit(netlink::Bus) const override { return 1 << 20; }
  int StartNoticing() override { return 0; }
  bool StopNoticing() override { return false; }
  int OpenSetting(const char*, bool) override { return -ENOENT; }
  ssize_t ReadSetting(int, std::span<char>) override { return -EBADF; }
  int WriteSetting(int, std::string_view) override { return EBADF; }
  void CloseSetting(int) override {}
  int Run(const Process&) override { return -ENOSYS; }
  DnsSystem* dns() override { return nullptr; }
};

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_NETLINK_ONLY_TRANSPORT_H_
