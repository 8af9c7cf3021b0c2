// SPDX-License-Identifier: MIT OR Apache-2.0
// A network namespace (network_namespaces(7)).
#ifndef WGNET_NETLINK_NETWORK_NAMESPACE_H_
#define WGNET_NETLINK_NETWORK_NAMESPACE_H_

#include <functional>
#include <string>
#include <string_view>

#include "src/base/unique_fd.h"
#include "wgnet/error.h"

namespace wgnet::netlink {

class NetworkNamespace {
 public:
  /// "" is the calling thread's; a name is looked up in /run/netns as ip-netns(8) does; anything
  /// with a slash is the path of a namespace file, such as /proc/PID/ns/net.
  static Result<NetworkNamespace> Open(std::string_view name);

  /// The same namespace, held a second time.
  Result<NetworkNamespace> Share() const;

  /// Runs `body` inside: at once where the calling thread is in it, else on a thread that is joined
  /// before this returns. The calling thread is never moved. 0 or an errno of entering.
  /// What `body` throws is thrown here.
  int Run(const std::function<void()>& body) const;

  /// A name for files that no other namespace has: the boot, and the namespace's cookie where the
  /// kernel has one (5.14), else the device and inode of its file, which may be used again.
  const std::string& id() const { return id_; }

 private:
  NetworkNamespace(UniqueFd fd, std::string id) : fd_(std::move(fd)), id_(std::move(id)) {}
  static Result<std::string> Identify(int fd);

  UniqueFd fd_;
  std::string id_;
};

}  // namespace wgnet::netlink

#endif  // WGNET_NETLINK_NETWORK_NAMESPACE_H_
