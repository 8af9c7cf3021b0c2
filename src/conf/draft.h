// SPDX-License-Identifier: MIT OR Apache-2.0
// What a file says, while it is being read.
#ifndef WGNET_CONF_DRAFT_H_
#define WGNET_CONF_DRAFT_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "src/conf/report.h"
#include "wgnet/conf.h"
#include "wgnet/device_update.h"
#include "wgnet/interface.h"
#include "wgnet/peer.h"
#include "wgnet/types.h"

namespace wgnet::conf {

/// What a whole file means.
struct Meaning {
  Interface interface;            ///< without a name
  std::optional<Error> no_node;   ///< why the interface cannot be brought to this as a whole
  std::vector<PeerUpdate> peers;  ///< section by section
  ConfFile::Dns dns;
  std::vector<ConfFile::Hook> hooks;
  bool save_config = false;
};

/// One [Peer] section.
struct PeerDraft {
  ConfFile::Place header;
  bool has_key = false;
  Peer peer;  ///< without its allowed IPs
  std::vector<ConfFile::Placed<AllowedIpEdit>> allowed_ips;
  /// wg(8): the allowed IPs of an earlier section of this peer go, unless the last AllowedIPs line
  /// has a `+` or a `-` in it.
  bool replaces = true;
};

struct Draft {
  Draft(std::string_view file, ConfFile::Grammar grammar) : report(file), grammar(grammar) {}

  Report report;
  ConfFile::Grammar grammar;
  Meaning meaning;  ///< without what follows
  std::vector<ConfFile::Placed<Prefix>> addresses;
  std::optional<ConfFile::Placed<uint16_t>> mtu;
  std::optional<RouteTable> table;
  std::vector<PeerDraft> peers;
};

}  // namespace wgnet::conf

#endif  // WGNET_CONF_DRAFT_H_
