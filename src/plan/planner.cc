// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/planner.h"

#include <fmt/format.h>
#include <linux/wireguard.h>
#include <sodium.h>

#include <algorithm>
#include <ctime>

#include "src/base/text.h"
#include "src/base/try.h"
#include "src/plan/adoption.h"
#include "src/plan/device_plan.h"
#include "src/plan/diff.h"
#include "src/plan/garbage.h"
#include "src/plan/lowering.h"
#include "src/plan/paths.h"
#include "src/plan/pending.h"
#include "src/plan/recovery.h"
#include "src/plan/reresolve.h"
#include "src/plan/risk.h"
#include "src/plan/transaction.h"

namespace wgnet::plan {
namespace {

constexpr int kMostAttempts = 5;

// The owner's record, and the others', sorted by owner.
struct Records {
  Record own;
  std::vector<Record> others;
};

Result<Records> LoadRecords(const StateDir& state_dir, const std::string& owner) {
  WGNET_ASSIGN_OR_RETURN(std::vector<Record> all, state_dir.Load());
  Records records;
  records.own.owner = owner;
  for (Record& record : all) {
    if (record.owner == owner) {
      records.own = std::move(record);
    } else {
      records.others.push_back(std::move(record));
    }
  }
  std::sort(records.others.begin(), records.others.end(),
            [](const Record& a, const Record& b) { return a.owner < b.owner; });
  return records;
}

// The others' claims and numbers decide what a plan puts back and chooses.
std::string DigestOf(const std::vector<Record>& records) {
  crypto_generichash_state state;
  std::string digest(crypto_generichash_BYTES, '\0');
  crypto_generichash_init(&state, nullptr, 0, digest.size());
  for (const Record& record : records) {
    const std::string bytes = ContentsOf(record);
    crypto_generichash_update(&state, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  }
  crypto_generichash_final(&state, reinterpret_cast<uint8_t*>(digest.data()), digest.size());
  return digest;
}

Error StaleRecord(std::string_view whose) {
  return {.code = ErrorCode::kStale,
          .message = fmt::format("another plan of {} was applied since this one was made", whose),
          .where = "Plan",
          .hint = "make a new plan"};
}

Error StaleKernel() {
  return {.code = ErrorCode::kStale,
          .message = "the kernel is not as it was when the plan was made",
          .where = "Plan",
          .hint = "make a new plan"};
}

// What could be planned before, and cannot be now.
Error StaleBy(const Error& error) {
  if (error.code != ErrorCode::kConflict && error.code != ErrorCode::kNameTaken) return error;
  Error stale = StaleKernel();
  stale.message += ": " + error.message;
  stale.where = error.where;
  return stale;
}

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

bool IsOnRecord(const DnsPlace& place, const std::vector<Record>& records) {
  return std::any_of(records.begin(), records.end(), [&](const Record& record) {
    return std::any_of(record.objects.begin(), record.objects.end(),
                       [&](const kernel::Object& object) {
                         const auto* setting = std::get_if<kernel::DnsSetting>(&object);
                         return setting != nullptr && kernel::PlaceOf(*setting) == place;
                       });
  });
}

// A link's name is its label in a file, and a part of that of a record of resolvconf(8).
bool HasLink(const DnsPlace& place, const Snapshot& links) {
  return std::any_of(
      links.objects().begin(), links.objects().end(), [&](const kernel::Object& object) {
        const auto* link = std::get_if<kernel::Link>(&object);
        if (link == nullptr) return false;
        const std::string name = link->name->str();
        return place.label == name || place.label.ends_with(name + std::string(DnsHost::kSuffix));
      });
}

// While it lives. Where that cannot be had, the checks of the ops are left.
class Noticing {
 public:
  explicit Noticing(netlink::Transport& transport) : transport_(transport) {
    static_cast<void>(transport.StartNoticing());
  }
  ~Noticing() { transport_.StopNoticing(); }
  Noticing(const Noticing&) = delete;
  Noticing& operator=(const Noticing&) = delete;

 private:
  netlink::Transport& transport_;
};

uint64_t NewNumber() {
  uint64_t number = 0;
  randombytes_buf(&number, sizeof number);
  return number;
}

Record Numbered(Record record, uint64_t transaction) {
  record.transaction = transaction;
  return record;
}

Result<Planner::Done> WithWarnings(Result<Planner::Done> done,
                                   const std::vector<std::string>& warnings) {
  if (done) done->warnings.insert(done->warnings.begin(), warnings.begin(), warnings.end());
  return done;
}

// Room for what resolvers may say while the plan is carried out: then it is too late to fail.
void ReserveForResolvers(const std::vector<Op>& ops, std::vector<std::string>& warnings) {
  const auto told = std::count_if(ops.begin(), ops.end(), [](const Op& op) {
    return kernel::BusOf(op.object) == netlink::Bus::kDns;
  });
  warnings.reserve(warnings.size() + static_cast<size_t>(told));
}

bool UsesNftables(const std::vector<Op>& ops) {
  return std::any_of(ops.begin(), ops.end(), [](const Op& op) {
    return kernel::BusOf(op.object) == netlink::Bus::kNetfilter;
  });
}

// Adds what removes all of a record; `others` may need its settings.
Status RemoveAll(const Record& record, const Scope& scope, std::span<const Record> others,
                 const Result<uint32_t>& nft_generation, Reader& reader, PlanData& plan) {
  WGNET_ASSIGN_OR_RETURN(Snapshot snapshot, Snapshot::Read(scope, reader, record.objects));
  snapshot.NameRules(record.objects);
  WGNET_ASSIGN_OR_RETURN(Difference difference, Diff({}, snapshot, record, others));
  plan.ops = std::move(difference.ops);
  plan.warnings = std::move(difference.warnings);
  if (UsesNftables(plan.ops)) {
    WGNET_ASSIGN_OR_RETURN(plan.nft_generation, nft_generation);
  }
  return {};
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
  WGNET_ASSIGN_OR_RETURN(PlanData plan, MakePlan(node, hosts, hooks));
  plan.remake = [node, hosts, hooks](Planner& by) { return by.MakePlan(node, hosts, hooks); };
  return plan;
}

Result<PlanData> Planner::MakePlan(const Node& node, const Hosts& hosts, const Hooks& hooks) {
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
  plan.hooks = PlaceHooks(hooks, plan.ops);
  plan.warnings.insert(plan.warnings.end(), facts.warnings.begin(), facts.warnings.end());
  plan.warnings.insert(plan.warnings.end(), difference.warnings.begin(), difference.warnings.end());
  if (UsesNftables(plan.ops)) {
    WGNET_ASSIGN_OR_RETURN(plan.nft_generation, generation);
  }
  WGNET_RETURN_IF_ERROR(WarnOfRisks(node, snapshot, records.others, reader, plan));
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

Result<Planner::Done> Planner::Apply(const PlanData& plan, const ConfirmOptions* confirm) {
  if (plan.of_device) return Carry(plan, confirm);
  std::vector<std::string> warnings;
  WGNET_ASSIGN_OR_RETURN(const UniqueFd lock, Lock(warnings));
  WGNET_ASSIGN_OR_RETURN(const Records records, LoadRecords(state_dir_, owner_));
  if (ContentsOf(records.own) != ContentsOf(plan.before)) {
    return StaleRecord("this owner");
  }
  if (DigestOf(records.others) != plan.others) return StaleRecord("another owner");
  if (!plan.remake) return WithWarnings(Carry(plan, confirm), warnings);
  const auto remake = [&]() -> Result<PlanData> {
    auto made = plan.remake(*this);
    if (!made) return StaleBy(made.error());
    if (!SameSteps(*made, plan)) return StaleKernel();
    made->remake = plan.remake;
    return made;
  };
  return WithWarnings(CarryFresh(remake, confirm), warnings);
}

template <class Make>
Result<Planner::Done> Planner::CarryFresh(const Make& make_plan, const ConfirmOptions* confirm) {
  for (int attempt = 1;; ++attempt) {
    const Noticing noticing(*transport_);
    WGNET_ASSIGN_OR_RETURN(PlanData plan, make_plan());
    auto done = Carry(plan, confirm);
    if (done) return done;
    const bool again = done.error().code == ErrorCode::kStale && attempt < kMostAttempts;
    if (!again) return done.error();
  }
}

Result<Planner::Done> Planner::Apply(const Node& node, const Hosts& hosts, const Hooks& hooks,
                                     const ConfirmOptions* confirm) {
  std::vector<std::string> warnings;
  WGNET_ASSIGN_OR_RETURN(const UniqueFd lock, Lock(warnings));
  const auto make = [&](Planner& by) { return by.MakePlan(node, hosts, hooks); };
  const auto make_plan = [&]() -> Result<PlanData> {
    WGNET_ASSIGN_OR_RETURN(PlanData plan, make(*this));
    plan.remake = make;
    return plan;
  };
  return WithWarnings(CarryFresh(make_plan, confirm), warnings);
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

Result<Planner::Done> Planner::Apply(const DeviceUpdate& update, const Hosts& hosts) {
  return CarryFresh([&] { return Plan(update, hosts); }, nullptr);
}

// ---- recovery ----

Result<RecoveryReport> Planner::Recover() {
  WGNET_ASSIGN_OR_RETURN(const UniqueFd lock, state_dir_.Lock(lock_timeout_));
  WGNET_ASSIGN_OR_RETURN(Settled settled, Settle());
  RecoveryReport report = std::move(settled.report);
  if (settled.waits) {
    report.warnings.push_back(Unconfirmed(*settled.waits).message);
    return report;
  }
  WGNET_ASSIGN_OR_RETURN(const Records records, LoadRecords(state_dir_, ""));
  for (const Record& record : records.others) {  // all of them: no owner has no name
    bool any = false;
    const auto plan = [&]() -> Result<PlanData> {
      WGNET_ASSIGN_OR_RETURN(PlanData made, PlanRecovery(record.owner));
      any = ContentsOf(made.before) != ContentsOf(made.after);
      return made;
    };
    WGNET_ASSIGN_OR_RETURN(const Done done, CarryFresh(plan, nullptr));
    if (any) report.owners.push_back({record.owner, done.steps});
    report.warnings.insert(report.warnings.end(), done.warnings.begin(), done.warnings.end());
  }
  WGNET_RETURN_IF_ERROR(ForgetStaleDns(report));
  return report;
}

// What is on record is an owner's, and an interface that is there may need it.
Status Planner::ForgetStaleDns(RecoveryReport& report) {
  DnsSystem* const dns = transport_->dns();
  if (dns == nullptr) return {};
  WGNET_ASSIGN_OR_RETURN(const bool any, dns->ForgetEarlierBoots());
  if (any) report.warnings.push_back("name servers from before the last boot are taken away");
  WGNET_ASSIGN_OR_RETURN(const auto places, dns->List());
  WGNET_ASSIGN_OR_RETURN(const auto records, state_dir_.Load());
  Reader reader(client_, netlink::ExtraMode::kDrop);
  WGNET_ASSIGN_OR_RETURN(const Snapshot links, ReadLinks(reader));
  for (const DnsPlace& place : places) {
    if (IsOnRecord(place, records) || HasLink(place, links)) continue;
    WGNET_RETURN_IF_ERROR(dns->Remove(place));
    report.warnings.push_back(fmt::format("the name servers of {}, which is gone, are taken away",
                                          QuoteForMessage(place.label)));
  }
  return {};
}

// Takes a part of what the owner has away. `part` tells it from the links that there are.
template <class Part>
Result<PlanData> Planner::PlanRemoval(const std::string& owner, const Part& part) {
  WGNET_ASSIGN_OR_RETURN(const Records records, LoadRecords(state_dir_, owner));
  Reader reader(client_, netlink::ExtraMode::kKeep);
  const auto generation = reader.NftGeneration();
  WGNET_ASSIGN_OR_RETURN(const Facts facts, GatherFacts(Node(), records.own, {}, reader, nullptr));
  Parting parting = part(records.own, facts.links);
  PlanData plan{.before = records.own, .after = records.own, .others = DigestOf(records.others)};
  if (!parting.any) return plan;
  plan.after = std::move(parting.kept);
  WGNET_RETURN_IF_ERROR(RemoveAll(parting.left_behind, ScopeOf({}, records.own, facts),
                                  records.others, generation, reader, plan));
  return plan;
}

Result<PlanData> Planner::PlanCleanup() {
  WGNET_ASSIGN_OR_RETURN(const Records records, LoadRecords(state_dir_, owner_));
  Reader reader(client_, netlink::ExtraMode::kKeep);
  const auto generation = reader.NftGeneration();
  std::vector<Record> all = records.others;
  all.push_back(records.own);
  WGNET_ASSIGN_OR_RETURN(const Record unowned, FindUnowned(all, reader));
  WGNET_ASSIGN_OR_RETURN(const Facts facts, GatherFacts(Node(), unowned, {}, reader, nullptr));
  PlanData plan{.before = records.own, .after = records.own, .others = DigestOf(records.others)};
  WGNET_RETURN_IF_ERROR(
      RemoveAll(unowned, ScopeOf({}, unowned, facts), all, generation, reader, plan));
  return plan;
}

Result<Planner::Done> Planner::CleanUp() {
  return CarryFresh([&] { return PlanCleanup(); }, nullptr);
}

Result<PlanData> Planner::PlanRecovery(const std::string& owner) {
  return PlanRemoval(owner, PartFromLost);
}

Result<Planner::Done> Planner::RemoveWaiting(const Journal& journal) {
  const Record& waiting = journal.confirmation->waiting;
  const auto part = [&](const Record& own, std::span<const kernel::Link> links) {
    return Parting{.left_behind = WithoutLost(waiting, links),
                   .kept = Without(own, waiting),
                   .any = !waiting.objects.empty()};
  };
  return CarryFresh([&] { return PlanRemoval(journal.owner, part); }, nullptr);
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

Result<Planner::Done> Planner::Apply(const Reresolve& reresolve, const Hosts& hosts) {
  WGNET_ASSIGN_OR_RETURN(const Records records, LoadRecords(state_dir_, owner_));
  UniqueFd lock;
  std::vector<std::string> warnings;
  if (!records.own.objects.empty()) {
    WGNET_ASSIGN_OR_RETURN(lock, Lock(warnings));
  }
  return WithWarnings(CarryFresh([&] { return Plan(reresolve, hosts); }, nullptr), warnings);
}

// ---- carrying out ----

Result<Planner::Done> Planner::Carry(const PlanData& plan, const ConfirmOptions* confirm) {
  if (plan.ops.empty() && ContentsOf(plan.before) == ContentsOf(plan.after)) {
    return Done{0, plan.warnings};
  }
  return confirm != nullptr ? CarryPending(plan, *confirm) : CarryOut(plan, {});
}

Result<Planner::Done> Planner::CarryOut(const PlanData& plan, const ToConfirm& confirm) {
  Done done{plan.ops.size(), plan.warnings};
  const uint64_t number = NewNumber();
  ReserveForResolvers(plan.ops, done.warnings);
  WGNET_ASSIGN_OR_RETURN(StateDir::Pending record, PrepareRecord(plan, number));
  const UniqueFd device_lock = plan.of_device ? LockIfFree() : UniqueFd();
  WGNET_ASSIGN_OR_RETURN(StateDir::OpenJournal journal,
                         plan.of_device ? JournalOfDevice(plan, number, device_lock)
                                        : BeginJournal(plan, number, confirm.confirmation));
  Transaction transaction(plan, client_);
  WGNET_RETURN_IF_ERROR(transaction.Prepare());
  WGNET_RETURN_IF_ERROR(CheckFresh(plan));
  if (confirm.confirmation) WGNET_RETURN_IF_ERROR(StartGuardian());
  WGNET_RETURN_IF_ERROR(transaction.Run(record, journal, confirm.within));
  last_transaction_ = number;
  for (std::string& warning : transaction.warnings()) done.warnings.push_back(std::move(warning));
  return done;
}

// Whatever has changed since the plan was made, it must be what would be done now. Thousands of
// foreign routes may change in a second, and make no difference.
Status Planner::CheckFresh(const PlanData& plan) {
  if (!transport_->StopNoticing() || !plan.remake) return {};
  WGNET_ASSIGN_OR_RETURN(const PlanData now, plan.remake(*this));
  return SameSteps(now, plan) ? Status() : Status(StaleKernel());
}

Result<StateDir::Pending> Planner::PrepareRecord(const PlanData& plan, uint64_t number) const {
  if (plan.of_device) return StateDir::Pending::Nothing();
  return state_dir_.Prepare(Numbered(plan.after, number));
}

Result<StateDir::OpenJournal> Planner::BeginJournal(
    const PlanData& plan, uint64_t number, const std::optional<Confirmation>& confirmation) const {
  Journal journal{.owner = plan.after.owner,
                  .transaction = number,
                  .had_record = !plan.before.empty(),
                  .keeps_record = !plan.after.empty(),
                  .ops = plan.ops,
                  .confirmation = confirmation};
  const bool forward = direction_ == RecoveryDirection::kForward;
  const bool has_end = !plan.of_device && !confirmation && plan.hooks.empty();
  if (forward && has_end) journal.after = Numbered(plan.after, number);
  return state_dir_.Begin(journal);
}

UniqueFd Planner::LockIfFree() const {
  auto lock = state_dir_.Lock(std::chrono::milliseconds(0));
  return lock ? *std::move(lock) : UniqueFd();
}

// A program that a transaction runs may update a device, and so may one where nothing can be
// written: then there is no journal.
StateDir::OpenJournal Planner::JournalOfDevice(const PlanData& plan, uint64_t number,
                                               const UniqueFd& lock) const {
  if (!lock.ok() || state_dir_.HasJournal()) return StateDir::OpenJournal::Nothing();
  auto journal = BeginJournal(plan, number, std::nullopt);
  return journal ? *std::move(journal) : StateDir::OpenJournal::Nothing();
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
