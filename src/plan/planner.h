// SPDX-License-Identifier: MIT OR Apache-2.0
// Makes plans, and has them carried out, in one namespace. Session is a thin cover over it.
#ifndef WGNET_PLAN_PLANNER_H_
#define WGNET_PLAN_PLANNER_H_

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "src/netlink/transport.h"
#include "src/plan/facts.h"
#include "src/plan/plan_data.h"
#include "src/plan/reader.h"
#include "src/plan/snapshot.h"
#include "src/plan/state_dir.h"

namespace wgnet::plan {

class Planner {
 public:
  Planner(std::string owner, std::unique_ptr<netlink::Transport> transport, StateDir state_dir,
          std::chrono::milliseconds lock_timeout);

  Result<PlanData> Plan(const Node& node, const Hosts& hosts, const Hooks& hooks);
  /// Returns how many steps were taken.
  Result<size_t> Apply(const PlanData& plan);
  Result<PlanData> Apply(const Node& node, const Hosts& hosts, const Hooks& hooks);

  /// Every WireGuard device with its peers, in the kernel's order, its link and its addresses.
  Result<Snapshot> ReadDevices();
  /// The records of all owners, and for each how many of its objects the kernel has not.
  struct Owner {
    Record record;
    size_t missing = 0;
  };
  Result<std::vector<Owner>> ReadOwners();

 private:
  Status Carry(const PlanData& plan);

  std::string owner_;
  std::unique_ptr<netlink::Transport> transport_;
  netlink::Client client_;
  StateDir state_dir_;
  std::chrono::milliseconds lock_timeout_;
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_PLANNER_H_
