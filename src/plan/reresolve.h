// SPDX-License-Identifier: MIT OR Apache-2.0
// Which silent peers get another endpoint, and which one.
#ifndef WGNET_PLAN_RERESOLVE_H_
#define WGNET_PLAN_RERESOLVE_H_

#include <chrono>
#include <optional>
#include <span>
#include <vector>

#include "src/plan/endpoints.h"
#include "src/plan/op.h"
#include "src/plan/paths.h"
#include "src/plan/snapshot.h"
#include "wgnet/reresolve.h"

namespace wgnet::plan {

/// A peer that is to be looked up again, as the kernel has it.
struct SilentPeer {
  const Reresolve::Peer* wanted;
  const kernel::WgPeer* found;
  const kernel::WgDevice* device;
};

/// The links that are named, by a snapshot of all links.
std::vector<uint32_t> LinksOf(const Reresolve& reresolve, const Snapshot& links);

/// The named peers whose last handshake is too old at `now`, by a snapshot of the links and their
/// devices. A handshake in the future, after the clock was set back, is taken for a new one.
std::vector<SilentPeer> FindSilent(const Reresolve& reresolve, const Snapshot& snapshot,
                                   std::chrono::system_clock::time_point now);

Hosts ResolveHosts(std::span<const SilentPeer> peers, const LookUpOptions& options);

/// The endpoint that a silent peer should have, of those that its name has, the best first; nothing
/// if it has it.
std::optional<kernel::SocketAddress> NextEndpoint(const kernel::WgPeer& found,
                                                  std::span<const kernel::SocketAddress> endpoints);

/// The changes of endpoints, and a warning for each name that does not resolve.
struct Reresolution {
  std::vector<Op> ops;
  std::vector<EndpointName> names;  // of each op
  std::vector<std::string> warnings;
};
Result<Reresolution> PlanReresolve(std::span<const SilentPeer> peers, const Hosts& hosts,
                                   const Snapshot& snapshot, Paths& paths);

/// Notes the new endpoints of those peers that are in the record.
void NoteEndpoints(const Reresolution& done, Record& record);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_RERESOLVE_H_
