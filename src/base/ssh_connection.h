// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_BASE_SSH_CONNECTION_H_
#define WGNET_BASE_SSH_CONNECTION_H_

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

/// That by which the caller is logged in: sudo(8) takes the variable away, so that of a parent
/// process counts where this one has none.
std::optional<SshConnection> FindSshConnection();

}  // namespace wgnet

#endif  // WGNET_BASE_SSH_CONNECTION_H_
