// SPDX-License-Identifier: MIT OR Apache-2.0
// The program that takes a change back that nobody confirms: it outlives the process that made the
// change.
#ifndef WGNET_PLAN_GUARDIAN_H_
#define WGNET_PLAN_GUARDIAN_H_

#include <cstdint>
#include <string>

#include "src/netlink/transport.h"
#include "wgnet/error.h"

namespace wgnet::plan {

/// What systemd(1), where it runs, can make of a guardian. Either unit outlives the one that the
/// caller is part of.
enum class GuardianUnit : uint8_t {
  kNone,     // it knows processes by other numbers
  kScope,    // it knows the process, which stays in the caller's namespaces
  kService,  // it sees the same namespaces
};

struct Guardian {
  std::string program;  // wgnet(8), by its name or its path
  std::string netns;    // a name of ip-netns(8), or empty
  std::string state_dir;
  GuardianUnit unit = GuardianUnit::kNone;
};

/// Returns once it stands: as a transient unit of systemd(1) or, where that cannot be, as a process
/// in a session of its own. The change's journal has to be there.
Status Start(const Guardian& guardian, netlink::Transport& transport);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_GUARDIAN_H_
