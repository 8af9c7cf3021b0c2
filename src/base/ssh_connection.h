// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_BASE_SSH_CONNECTION_H_
#define WGNET_BASE_SSH_CONNECTION_H_

#include <sys/types.h>

#include <optional>
#include <string_view>

#include "wgnet/types.h"

namespace wgnet {

/// The ends of a connection of ssh(1).
struct SshConnection {
  IpAddress client;
  IpAddress server;

  /// The variable SSH_CONNECTION: client, port, server, port. Nothing if it is not that.
  static std::optional<SshConnection> Parse(std::string_view text);
};

/// That by which whoever started the process is logged in: sudo(8) takes the variable away, so that
/// of a parent counts where the process has none.
std::optional<SshConnection> FindSshConnection(pid_t pid);

}  // namespace wgnet

#endif  // WGNET_BASE_SSH_CONNECTION_H_
