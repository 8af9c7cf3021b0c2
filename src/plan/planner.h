// SPDX-License-Identifier: MIT OR Apache-2.0
// Makes plans, and has them carried out, in one namespace. Session is a thin cover over it.
#ifndef WGNET_PLAN_PLANNER_H_
#define WGNET_PLAN_PLANNER_H_

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "src/base/ssh_connection.h"
#include "src/netlink/transport.h"
#include "src/plan/endpoints.h"
#include "src/plan/facts.h"
#include "src/plan/guardian.h"
#include "src/plan/plan_data.h"
#include "src/plan/reader.h"
#include "src/plan/snapshot.h"
#include "src/plan/state_dir.h"
#include "wgnet/confirm.h"
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
  /// And addresses, routes and rules that are as a node wants them.
  void AllowAdoptionOfIdentical(bool allowed) { adopt_identical_ = allowed; }

  /// The connection by which the caller is logged in: plans that cut it warn.
  void WarnOfCut(std::optional<SshConnection> caller) { caller_ = caller; }

  /// How a transaction of this planner's ends that is cut off.
  void RecoverTo(RecoveryDirection direction) { direction_ = direction; }

  /// What takes changes back that are not confirmed; not set: the caller does, with Guard.
  void UseGuardian(Guardian guardian) { guardian_ = std::move(guardian); }

  /// Looks up the names that planning the node needs.
  Result<Hosts> Resolve(const Node& node, const LookUpOptions& options);
  Result<PlanData> Plan(const Node& node, const Hosts& hosts, const Hooks& hooks);
  /// What was carried out, with the warnings of that.
  struct Done {
    size_t steps = 0;
    std::vector<std::string> warnings;
    std::optional<PendingChange> pending = {};
    uint64_t node_number = 0;  // the record's, and how many objects are in it
    size_t objects = 0;
  };
  /// Null: nothing has to be confirmed.
  Result<Done> Apply(const PlanData& plan, const ConfirmOptions* confirm = nullptr);
  Result<Done> Apply(const Node& node, const Hosts& hosts, const Hooks& hooks,
                     const ConfirmOptions* confirm = nullptr);
  /// Applies a node again; kStale if the record is not of the node of this number any more.
  Result<Done> Keep(uint64_t number, const Node& node, const Hosts& hosts);

  /// The same for one WireGuard device, anybody's. No record is read or changed, and no lock is
  /// waited for: a program that `up` runs may do this.
  Result<Hosts> Resolve(const DeviceUpdate& update, const LookUpOptions& options);
  Result<PlanData> Plan(const DeviceUpdate& update, const Hosts& hosts);
  Result<Done> Apply(const DeviceUpdate& update, const Hosts& hosts);

  /// The same for endpoints of silent peers, anybody's. The record is changed, and the lock taken,
  /// only if the owner has one.
  Result<Hosts> Resolve(const Reresolve& reresolve, const LookUpOptions& options);
  Result<PlanData> Plan(const Reresolve& reresolve, const Hosts& hosts);
  Result<Done> Apply(const Reresolve& reresolve, const Hosts& hosts);

  /// The change that waits to be confirmed, if there is one.
  Result<std::optional<PendingChange>> Pending() const;
  /// End it, one way or the other; or give it more time, from now. Without a token: by the process
  /// that made it.
  Result<Done> Confirm(std::string_view token);
  Result<RollbackReport> TakeBack(std::string_view token);
  Status Extend(std::chrono::milliseconds within, std::string_view token);
  /// Waits until it ends, and takes it back when its time is over, or the process has ended that it
  /// ends with.
  Result<GuardReport> Guard(const std::function<void()>& on_ready);

  /// Takes back what a process that ended in the middle had done, and removes what owners, all of
  /// them, have left of links that are gone.
  Result<RecoveryReport> Recover();
  /// The first part of it, where there is a need and nobody is at work.
  Result<RecoveryReport> RecoverCutOff();

  /// Removes what bears wgnet's marks, and is on nobody's record.
  Result<PlanData> PlanCleanup();

  /// What a watcher compares: the owner's record as it is, and the kernel as far as it asks for it.
  const std::string& owner() const { return owner_; }
  const StateDir& state_dir() const { return state_dir_; }
  netlink::Client& client() { return client_; }

  /// Every WireGuard device with its peers, in the kernel's order, its link and its addresses.
  Result<Snapshot> ReadDevices();
  /// The records of all owners, and for each how many of its objects the kernel has not.
  struct Owner {
    Record record;
    size_t missing = 0;
  };
  Result<std::vector<Owner>> ReadOwners();

 private:
  enum class Risks : uint8_t { kTold, kLeft };  // what is planned again only to compare needs none
  Result<PlanData> MakePlan(const Node& node, const Hosts& hosts, const Hooks& hooks, Risks risks);
  Status WarnOfRisks(const Node& node, const Snapshot& snapshot, std::span<const Record> others,
                     Reader& reader, PlanData& plan) const;
  // All links, and then these devices.
  Result<Snapshot> ReadLinks(Reader& reader);
  Result<Snapshot> ReadDevicesOf(const Reresolve& reresolve, Reader& reader);
  // As MakePlan, with what makes it again.
  Result<PlanData> PlanToCarry(const Node& node, const Hosts& hosts, const Hooks& hooks);
  // Plans and carries out, and again when the kernel changes meanwhile.
  using Make = std::function<Result<PlanData>()>;
  Result<Done> CarryFresh(const Make& make_plan, const ConfirmOptions* confirm);
  Result<Done> Carry(const PlanData& plan, const ConfirmOptions* confirm);
  struct ToConfirm {
    std::optional<Confirmation> confirmation;
    std::optional<std::chrono::nanoseconds> within;
  };
  Result<Done> CarryPending(const PlanData& plan, const ConfirmOptions& options);
  Result<Done> CarryOut(const PlanData& plan, const ToConfirm& confirm);
  Status CheckFresh(const PlanData& plan);
  Result<StateDir::Pending> PrepareRecord(const PlanData& plan, uint64_t number) const;
  Result<StateDir::OpenJournal> BeginJournal(const PlanData& plan, uint64_t number,
                                             const std::optional<Confirmation>& confirmation) const;
  UniqueFd LockIfFree() const;
  StateDir::OpenJournal JournalOfDevice(const PlanData& plan, uint64_t number,
                                        const UniqueFd& lock) const;
  Status StartGuardian();

  template <class Part>
  Result<PlanData> PlanRemoval(const std::string& owner, const Part& part);
  Result<PlanData> PlanRecovery(const std::string& owner);
  Result<Done> RemoveWaiting(const Journal& journal);
  Result<Done> CleanUp();
  Result<RollbackReport> TakeBackByMarks(const std::string& owner);
  Status ForgetStaleDns(RecoveryReport& report);

  // What was left of others' transactions, and has been brought to an end.
  struct Settled {
    RecoveryReport report;
    std::optional<Journal> waits;  // and cannot be yet
  };
  Result<Settled> Settle();
  // The lock, once nothing is left of other transactions.
  Result<UniqueFd> Lock(std::vector<std::string>& warnings);
  // The change that waits, if it is the caller's or the token is its own, and its lock.
  struct Decided {
    UniqueFd lock;
    Journal journal;
  };
  Result<Decided> Decide(std::string_view token);
  Result<Done> FinishConfirmed(const Journal& journal);
  Result<std::optional<RollbackReport>> SettleDecided(const std::string& owner);

  std::string owner_;
  std::unique_ptr<netlink::Transport> transport_;
  netlink::Client client_;
  StateDir state_dir_;
  std::chrono::milliseconds lock_timeout_;
  std::vector<std::string> adoptable_;
  bool adopt_identical_ = false;
  std::optional<Guardian> guardian_;
  std::optional<SshConnection> caller_;
  RecoveryDirection direction_ = RecoveryDirection::kBack;
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_PLANNER_H_
