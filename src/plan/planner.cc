// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/planner.h"

#include <linux/wireguard.h>

#include <algorithm>
#include <ctime>

#include "src/base/try.h"
#include "src/plan/adoption.h"
#include "src/plan/device_plan.h"
#include "src/plan/diff.h"
#include "src/plan/lowering.h"
#include "src/plan/node_number.h"
#include "src/plan/paths.h"
#include "src/plan/records.h"
#include "src/plan/reresolve.h"
#include "src/plan/risk.h"

namespace wgnet::plan {
namespace {

std::vector<kernel::Link> LinksIn(const Snapshot& snapshot) {
  std::vector<kernel::Link> links;
  for (const kernel::Object& object : snapshot.objects()) {
    if (const auto* link = std::get_if<kernel::Link>(&object)) links.push_back(*link);
  }
  return links;
}

uint32_t MarkOf(const DeviceUpdate& update, const Snapshot& snapshot) {
  if (update.fwmark()) return *update.fwmark();
  for (const kernel::Object& object : snapshot.objects()) {
    const auto* device = std::get_if<kernel::WgDevice>(&object);
    if (device != nullptr) return device->fwmark.value_or(0);
  }
  return 0;
}

// Leaves the addresses that there is a way to.
Result<Hosts> KeepReachable(Hosts hosts, uint32_t mark, Paths& paths) {
  for (auto& [host, answer] : hosts) {
    if (answer.addresses.empty()) continue;
    WGNET_ASSIGN_OR_RETURN(answer.addresses, paths.Reachable(answer.addresses, mark));
  }
  return hosts;
}

}  // namespace

Planner::Planner(std::string owner, std::unique_ptr<netlink::Transport> transport,
                 StateDir state_dir, std::chrono::milliseconds lock_timeout)
    : owner_(std::move(owner)),
      transport_(std::move(transport)),
      client_(*transport_),
      state_dir_(std::move(state_dir)),
      lock_timeout_(lock_timeout) {}

Result<Snapshot> Planner::ReadLinks(Reader& reader) {
  Scope scope;
  scope.links = true;
  return Snapshot::Read(scope, reader);
}

Result<Hosts> Planner::Resolve(const Node& node, const LookUpOptions& options) {
  WGNET_ASSIGN_OR_RETURN(const Records records, LoadRecords(state_dir_, owner_));
  if (records.own.names.empty()) return ResolveHosts(node, options);
  Reader reader(client_, netlink::ExtraMode::kDrop);
  WGNET_ASSIGN_OR_RETURN(const Snapshot snapshot, ReadLinks(reader));
  const std::vector<kernel::Link> links = LinksIn(snapshot);
  return ResolveHosts(node, options, GivenEndpoints(WithoutLost(records.own, links)), links);
}

Result<PlanData> Planner::Plan(const Node& node, const Hosts& hosts, const Hooks& hooks) {
  WGNET_ASSIGN_OR_RETURN(PlanData plan, MakePlan(node, hosts, hooks, Risks::kTold));
  plan.remake = [node, hosts, hooks](Planner& by) {
    return by.MakePlan(node, hosts, hooks, Risks::kLeft);
  };
  return plan;
}

Result<PlanData> Planner::MakePlan(const Node& node, const Hosts& hosts, const Hooks& hooks,
                                   Risks risks) {
  WGNET_ASSIGN_OR_RETURN(const Records records, LoadRecords(state_dir_, owner_));
  Reader reader(client_, netlink::ExtraMode::kKeep);
  // The ruleset's generation is read before the ruleset: a change in between shows.
  const auto generation = reader.NftGeneration();
  WGNET_ASSIGN_OR_RETURN(Record own, Adopt(adoptable_, records.own, records.others, reader));
  WGNET_ASSIGN_OR_RETURN(const Facts facts,
                         GatherFacts(node, own, hosts, reader, transport_->dns()));
  own = WithoutLost(std::move(own), facts.links);
  WGNET_ASSIGN_OR_RETURN(Desired desired, Lower(node, facts, own, records.others));
  desired.takes_over_twins = adopt_identical_;
  const Scope scope = ScopeOf(desired, own, facts);
  WGNET_ASSIGN_OR_RETURN(Snapshot snapshot, Snapshot::Read(scope, reader, own.objects));
  snapshot.NameRules(own.objects);
  const auto kept = KeepLiveEndpoints(desired, time(nullptr), own);
  desired.warnings.insert(desired.warnings.end(), kept.begin(), kept.end());
  WGNET_ASSIGN_OR_RETURN(Difference difference, Diff(desired, snapshot, own, records.others));
  PlanData plan{.ops = std::move(difference.ops),
                .before = records.own,
                .after = std::move(difference.record),
                .others = DigestOf(records.others),
                .warnings = std::move(desired.warnings)};
  if (!plan.after.empty()) plan.after.node_number = NumberOf(node);
  plan.hooks = PlaceHooks(hooks, plan.ops);
  plan.warnings.insert(plan.warnings.end(), facts.warnings.begin(), facts.warnings.end());
  plan.warnings.insert(plan.warnings.end(), difference.warnings.begin(), difference.warnings.end());
  if (UsesNftables(plan.ops)) {
    WGNET_ASSIGN_OR_RETURN(plan.nft_generation, generation);
  }
  if (risks == Risks::kTold) {
    WGNET_RETURN_IF_ERROR(WarnOfRisks(node, snapshot, records.others, reader, plan));
  }
  return plan;
}

Status Planner::WarnOfRisks(const Node& node, const Snapshot& snapshot,
                            std::span<const Record> others, Reader& reader, PlanData& plan) const {
  if (plan.ops.empty()) return {};
  for (const auto& shared : {FindSharedNumbers(node, plan, snapshot, others),
                             FindSharedMarks(node, plan, snapshot, others, reader)}) {
    plan.warnings.insert(plan.warnings.end(), shared.begin(), shared.end());
  }
  if (!caller_) return {};
  WGNET_ASSIGN_OR_RETURN(auto cut, FindCut(*caller_, plan, snapshot, reader));
  if (cut) plan.warnings.push_back(*std::move(cut));
  return {};
}

Result<Hosts> Planner::Resolve(const DeviceUpdate& update, const LookUpOptions& options) {
  return ResolveHosts(update, options);
}

Result<PlanData> Planner::Plan(const DeviceUpdate& update, const Hosts& hosts) {
  Reader reader(client_, netlink::ExtraMode::kDrop);
  WGNET_ASSIGN_OR_RETURN(const Snapshot links, ReadLinks(reader));
  WGNET_ASSIGN_OR_RETURN(const uint32_t index, FindDevice(update, links));
  Scope scope;
  scope.links = true;
  scope.devices.push_back(index);
  WGNET_ASSIGN_OR_RETURN(const Snapshot snapshot, Snapshot::Read(scope, reader));
  const std::vector<kernel::Link> all_links = LinksIn(snapshot);
  Paths paths(all_links, {index}, reader);
  WGNET_ASSIGN_OR_RETURN(const Hosts reachable,
                         KeepReachable(hosts, MarkOf(update, snapshot), paths));
  PlanData plan{.before = {.owner = owner_}, .after = {.owner = owner_}, .of_device = true};
  WGNET_ASSIGN_OR_RETURN(plan.ops, PlanDevice(update, reachable, snapshot));
  return plan;
}

Result<Snapshot> Planner::ReadDevicesOf(const Reresolve& reresolve, Reader& reader) {
  WGNET_ASSIGN_OR_RETURN(const Snapshot links, ReadLinks(reader));
  Scope scope;
  scope.links = true;
  scope.devices = LinksOf(reresolve, links);
  return Snapshot::Read(scope, reader);
}

Result<Hosts> Planner::Resolve(const Reresolve& reresolve, const LookUpOptions& options) {
  Reader reader(client_, netlink::ExtraMode::kDrop);
  WGNET_ASSIGN_OR_RETURN(const Snapshot snapshot, ReadDevicesOf(reresolve, reader));
  return ResolveHosts(FindSilent(reresolve, snapshot, std::chrono::system_clock::now()), options);
}

Result<PlanData> Planner::Plan(const Reresolve& reresolve, const Hosts& hosts) {
  WGNET_ASSIGN_OR_RETURN(const Records records, LoadRecords(state_dir_, owner_));
  Reader reader(client_, netlink::ExtraMode::kDrop);
  WGNET_ASSIGN_OR_RETURN(const Snapshot snapshot, ReadDevicesOf(reresolve, reader));
  const auto silent = FindSilent(reresolve, snapshot, std::chrono::system_clock::now());
  const std::vector<kernel::Link> links = LinksIn(snapshot);
  Paths paths(links, LinksOf(reresolve, snapshot), reader);
  WGNET_ASSIGN_OR_RETURN(Reresolution found, PlanReresolve(silent, hosts, snapshot, paths));
  PlanData plan{.before = records.own,
                .after = records.own,
                .others = DigestOf(records.others),
                .of_device = records.own.objects.empty()};
  NoteEndpoints(found, plan.after);
  plan.ops = std::move(found.ops);
  plan.warnings = std::move(found.warnings);
  return plan;
}

Result<Snapshot> Planner::ReadDevices() {
  Reader reader(client_, netlink::ExtraMode::kDrop);
  Scope scope;
  scope.links = true;
  WGNET_ASSIGN_OR_RETURN(const Snapshot links, ReadLinks(reader));
  for (const kernel::Object& object : links.objects()) {
    const auto* link = std::get_if<kernel::Link>(&object);
    if (link != nullptr && link->kind && link->kind->view() == WG_GENL_NAME) {
      scope.devices.push_back(*link->index);
      scope.address_links.push_back(*link->index);
    }
  }
  scope.kernel_order = true;
  return Snapshot::Read(scope, reader);
}

Result<std::vector<Planner::Owner>> Planner::ReadOwners() {
  WGNET_ASSIGN_OR_RETURN(std::vector<Record> records, state_dir_.Load());
  std::vector<Owner> owners;
  Reader reader(client_, netlink::ExtraMode::kDrop);
  for (Record& record : records) {
    WGNET_ASSIGN_OR_RETURN(const Facts facts, GatherFacts(Node(), record, {}, reader, nullptr));
    const Record alive = WithoutLost(record, facts.links);
    const Scope scope = ScopeOf({}, alive, facts);
    WGNET_ASSIGN_OR_RETURN(const Snapshot snapshot, Snapshot::Read(scope, reader));
    const auto found = std::count_if(
        alive.objects.begin(), alive.objects.end(),
        [&](const kernel::Object& object) { return snapshot.Find(object) != nullptr; });
    const size_t missing = record.objects.size() - static_cast<size_t>(found);
    owners.push_back({std::move(record), missing});
  }
  std::sort(owners.begin(), owners.end(),
            [](const Owner& a, const Owner& b) { return a.record.owner < b.record.owner; });
  return owners;
}

}  // namespace wgnet::plan
