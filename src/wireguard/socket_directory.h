// SPDX-License-Identifier: MIT OR Apache-2.0
// The directory where userspace implementations of WireGuard have their sockets, one for each
// interface: NAME.sock.
#ifndef WGNET_WIREGUARD_SOCKET_DIRECTORY_H_
#define WGNET_WIREGUARD_SOCKET_DIRECTORY_H_

#include <chrono>
#include <string>
#include <string_view>

#include "src/base/secret_memory.h"
#include "src/base/unique_fd.h"

namespace wgnet::wireguard {

/// Where wg(8) and every implementation look for them.
inline constexpr std::string_view kSocketDirectory = "/var/run/wireguard";

/// A directory and its sockets count only where they are root's, or this process' own user's, and
/// nobody else can write to them: whoever answers is given private keys. Apart from its
/// construction, nothing here allocates but for answers.
class SocketDirectory {
 public:
  /// Whoever says nothing for as long as `patience` counts as hung.
  explicit SocketDirectory(std::string_view path = kSocketDirectory,
                           std::chrono::milliseconds patience = std::chrono::seconds(10))
      : path_(path), patience_(patience) {}

  enum class State {
    kNone,    // there is no socket
    kServed,  // a program listens
    kStale,   // the program is gone
  };
  State Look(std::string_view interface) const;

  /// Whether there is any socket.
  bool HasAny() const;

  /// One request and its answer, up to the empty line that ends it. 0 or an errno: ECONNREFUSED and
  /// ENOENT: no program listens; ECONNRESET: it ended meanwhile; ETIMEDOUT: it is hung; EBADMSG:
  /// the answer is too long.
  int Ask(std::string_view interface, std::string_view request, SecretBuffer& answer) const;

  /// Removes the socket of a program that has died; that of a live one stays. What recovers from a
  /// crash calls this for an interface whose link is gone. 0 or an errno: EBUSY: a program listens.
  int RemoveStale(std::string_view interface) const;

 private:
  UniqueFd Open() const;
  int Connect(std::string_view interface, UniqueFd& socket) const;

  std::string path_;
  std::chrono::milliseconds patience_;
};

}  // namespace wgnet::wireguard

#endif  // WGNET_WIREGUARD_SOCKET_DIRECTORY_H_
