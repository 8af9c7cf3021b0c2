// SPDX-License-Identifier: MIT OR Apache-2.0
// The program that takes a change back that nobody confirms: it outlives the process that made the
// change.
#ifndef WGNET_PLAN_GUARDIAN_H_
#define WGNET_PLAN_GUARDIAN_H_

#include <string>

#include "src/netlink/transport.h"
#include "wgnet/error.h"

namespace wgnet::plan {

struct Guardian {
  std::string program;  // wgnet(8), by its name or its path
  std::string netns;    // a name of ip-netns(8), or empty
  std::string state_dir;
  bool may_be_unit = false;  // systemd(1), where it runs, sees the same namespaces
};

/// Returns once it stands: as a transient unit of systemd(1) or, where that cannot be, as a process
/// in a session of its own. The change's journal has to be there.
Status Start(const Guardian& guardian, netlink::Transport& transport);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_GUARDIAN_H_
