// SPDX-License-Identifier: MIT OR Apache-2.0
// WireGuard links that a program serves, by the rules of the kernel's own.
#ifndef WGNET_WIREGUARD_USERSPACE_LINKS_H_
#define WGNET_WIREGUARD_USERSPACE_LINKS_H_

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "src/kernel/link.h"
#include "src/netlink/client.h"
#include "src/netlink/network_namespace.h"
#include "src/wireguard/socket_directory.h"

namespace wgnet::wireguard {

/// How something ended: an errno, and where there is more to say, a sentence.
struct Outcome {
  int error_number = 0;
  std::string text;
  bool ok() const { return error_number == 0; }
};

class UserspaceLinks {
 public:
  /// `transport` leads to the kernel, in the namespace `netns`. `program` is what serves new links.
  UserspaceLinks(netlink::Transport& transport, const netlink::NetworkNamespace& netns,
                 std::string program, SocketDirectory sockets)
      : transport_(transport),
        netns_(netns),
        client_(transport),
        program_(std::move(program)),
        sockets_(std::move(sockets)) {}

  netlink::Client& client() { return client_; }
  const SocketDirectory& sockets() const { return sockets_; }
  const std::string& program() const { return program_; }
  /// Whether the program is there to be run.
  bool HasProgram() const;

  /// Whether a tun link is WireGuard's: a program serves it, or it is one of ours whose program has
  /// died. Another one may have the name of a stale socket.
  bool IsWireguard(std::string_view name, uint32_t group) const;
  /// The link, if it is there and WireGuard's.
  std::optional<kernel::Link> Find(uint32_t index);

  /// What `RTM_NEWLINK`, with these attributes, asks for: a link with a program that serves it.
  /// After a failure there is none.
  Outcome Create(uint32_t index, netlink::Bytes attributes);
  /// Starts the program for a link of ours.
  Outcome Start(std::string_view name);
  /// As the kernel does: with the UDP port, or not at all. `up` is the message.
  Outcome BringUp(const kernel::Link& link, netlink::Bytes up);
  /// After a link went: waits until its program is gone, too, and removes what that has left.
  void AwaitEnd(const kernel::Link& link);

  /// Whether the link's program, which has hung up, is about to be gone.
  bool HasEnded(const kernel::Link& link) const;

  /// Asks a link's program. EINVAL and its like come from there.
  Outcome Ask(const kernel::Link& link, std::string_view request, SecretBuffer& answer) const;
  /// Whether another one than this link has the port that it is to have.
  bool IsPortTaken(uint16_t port) const;
  /// The port that a link's program says it has; 0: none yet.
  uint16_t PortOf(const kernel::Link& link) const;

 private:
  // Sends a copy of a message, numbered anew.
  Outcome Change(netlink::Bytes message);
  Outcome Tag(std::string_view name, uint32_t group);
  Outcome Configure(uint32_t index, netlink::Bytes attributes);
  void Remove(std::string_view name);
  bool Await(std::chrono::milliseconds most, const std::function<bool()>& condition) const;

  netlink::Transport& transport_;
  const netlink::NetworkNamespace& netns_;
  netlink::Client client_;
  std::string program_;
  SocketDirectory sockets_;
  SecretBuffer request_;
};

}  // namespace wgnet::wireguard

#endif  // WGNET_WIREGUARD_USERSPACE_LINKS_H_
