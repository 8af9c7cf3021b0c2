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
#include "src/plan/endpoints.h"
#include "src/plan/facts.h"
#include "src/plan/plan_data.h"
#include "src/plan/reader.h"
#include "src/plan/snapshot.h"
#include "src/plan/state_dir.h"
#include "wgnet/device_update.h"
#include "wgnet/recovery.h"
#include "wgnet/reresolve.h"

namespace wgnet::plan {

class Planner {
 public:
  Planner(std::string owner, std::unique_ptr<netlink::Transport> transport, StateDir state_dir,
          std::chrono::milliseconds lock_timeout);

  /// From now on plans may take over interfaces of these names, see Adopt.
  void AllowAdoption(std::vector<std::string> interfaces) { adoptable_ = std::move(interfaces); }

  /// Looks up the names that planning the node needs.
  Result<Hosts> Resolve(const Node& node, const LookUpOptions& options);
  Result<PlanData> Plan(const Node& node, const Hosts& hosts, const Hooks& hooks);
  /// What was carried out, with the warnings of that.
  struct Done {
    size_t steps = 0;
    std::vector<std::string> warnings;
  };
  Result<Done> Apply(const PlanData& plan);
  Result<Done> Apply(const Node& node, const Hosts& hosts, const Hooks& hooks);

  /// The same for one WireGuard device, anybody's. No record is read or changed, and no lock is
  /// taken: a program that `up` runs may do this.
  Result<Hosts> Resolve(const DeviceUpdate& update, const LookUpOptions& options);
  Result<PlanData> Plan(const DeviceUpdate& update, const Hosts& hosts);
  Result<Done> Apply(const DeviceUpdate& update, const Hosts& hosts);

  /// The same for endpoints of silent peers, anybody's. The record is changed, and the lock taken,
  /// only if the owner has one.
  Result<Hosts> Resolve(const Reresolve& reresolve, const LookUpOptions& options);
  Result<PlanData> Plan(const Reresolve& reresolve, const Hosts& hosts);
  Result<Done> Apply(const Reresolve& reresolve, const Hosts& hosts);

  /// Takes back what a process that ended in the middle had done, and removes what owners, all of
  /// them, have left of links that are gone.
  Result<RecoveryReport> Recover();
  /// The first part of it, where there is a need and nobody is at work.
  Result<std::vector<RecoveryReport::CutOff>> RecoverCutOff();

  /// Every WireGuard device with its peers, in the kernel's order, its link and its addresses.
  Result<Snapshot> ReadDevices();
  /// The records of all owners, and for each how many of its objects the kernel has not.
  struct Owner {
    Record record;
    size_t missing = 0;
  };
  Result<std::vector<Owner>> ReadOwners();

 private:
  // All links, and then these devices.
  Result<Snapshot> ReadLinks(Reader& reader);
  Result<Snapshot> ReadDevicesOf(const Reresolve& reresolve, Reader& reader);
  // Plans and carries out, and again when the kernel changes meanwhile.
  template <class MakePlan>
  Result<Done> CarryFresh(const MakePlan& make_plan);
  Result<Done> Carry(const PlanData& plan);
  // The lock, once nothing is left of a transaction that was cut off.
  Result<UniqueFd> Lock(std::vector<std::string>& warnings);
  Result<PlanData> PlanRecovery(const std::string& owner);
  Result<StateDir::Pending> PrepareRecord(const PlanData& plan, uint64_t number) const;
  Result<StateDir::OpenJournal> BeginJournal(const PlanData& plan, uint64_t number) const;
  Status ForgetStaleDns(RecoveryReport& report);

  std::string owner_;
  std::unique_ptr<netlink::Transport> transport_;
  netlink::Client client_;
  StateDir state_dir_;
  std::chrono::milliseconds lock_timeout_;
  std::vector<std::string> adoptable_;
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_PLANNER_H_
