// SPDX-License-Identifier: MIT OR Apache-2.0
#include "fake_session.h"

#include <cerrno>
#include <utility>

#include "src/plan/plan_data.h"
#include "wgnet/session.h"

namespace {

wgnet::SessionOptions* seen_options = nullptr;
std::string seen_adopt;
int seen_interfaces = 0;
wgnet::ConfirmOptions seen_confirm;
std::string seen_revoke;
std::string seen_token;
std::string seen_peer;
std::chrono::milliseconds seen_interval{};
wgnet::WatchOptions seen_watch;
bool failing = false;
bool nothing_to_do = false;
bool nothing_waits = false;
FakeRollbacks rollbacks = kFakeElsewhere;
int events = 0;

}  // namespace

namespace wgnet {
namespace {

SecretKey FakeKey() { return *SecretKey::Parse("kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700="); }

Error FakeError() {
  return {.code = ErrorCode::kRollbackIncomplete,
          .message = "the message",
          .where = "the place",
          .hint = "the hint",
          .step = 7,
          .steps = 12,
          .command = "ip route add 10.0.0.0/8 dev wg0",
          .error_number = ENETUNREACH,
          .kernel_message = "the kernel's message",
          .kernel_attribute = "gateway",
          .rollback = RollbackReport{.undone = 4,
                                     .lossy = {"wg set wg0 peer"},
                                     .leftovers = {{"ip link del wg0", "Device busy"},
                                                   {"ip rule del", "somebody changed it"}}}};
}

PendingChange FakePending() {
  return {.owner = "fake", .left = std::chrono::seconds(5), .changed = {}, .persists = true};
}

RollbackReport FakeReport() {
  RollbackReport report{.undone = kFakeStepsTakenBack};
  if (rollbacks == kFakeIncomplete) report.leftovers = {{"ip link del wg0", "Device busy"}};
  return report;
}

ApplyReport ReportOf(size_t steps, const ConfirmOptions& confirm) {
  seen_confirm = confirm;
  seen_revoke.clear();
  for (const PublicKey& key : confirm.revoke) seen_revoke += key.ToString() + " ";
  if (nothing_to_do) return {};
  PendingChange pending = FakePending();
  if (confirm.persist) pending.token = FAKE_TOKEN;
  return {steps, {"a warning"}, std::move(pending)};
}

// One step, with a key.
wgnet::Plan FakePlan() {
  kernel::WgDevice device;
  device.dev = kernel::LinkRef{7, FixedString<IFNAMSIZ - 1>("wg0")};
  device.private_key = FakeKey();
  auto data = std::make_shared<plan::PlanData>();
  data->ops.push_back({.verb = kernel::Verb::kAdd, .object = device, .before = device});
  data->after.owner = "fake";
  data->warnings = {"first warning", "second warning"};
  return wgnet::Plan(std::move(data));
}

}  // namespace

class Session::Impl {};

Session::Session(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Session> Session::Open(SessionOptions options) {
  if (failing) return FakeError();
  static SessionOptions seen;
  seen = std::move(options);
  seen_options = &seen;
  seen_adopt.clear();
  for (const std::string& name : seen.adopt) seen_adopt += name + " ";
  return Session(std::make_shared<Impl>());
}

Result<wgnet::Plan> Session::Plan(const Node& node, const Hooks&) {
  if (failing) return FakeError();
  seen_interfaces = static_cast<int>(node.interfaces().size());
  return FakePlan();
}

const RecoveryReport& Session::recovered() const {
  static const RecoveryReport cut_off{
      .cut_off = {{.owner = "killed", .rollback = {}}}, .owners = {}, .warnings = {"a warning"}};
  return cut_off;
}
Result<RecoveryReport> Session::Recover() {
  if (failing) return FakeError();
  RecoveryReport report{.cut_off = {},
                        .owners = {{"one", kFakeStepsOfPlan}, {"other", kFakeStepsOfNode}}};
  if (rollbacks == kFakeElsewhere) return report;
  report.cut_off = {{"killed", {}}, {"one", FakeReport()}, {"other", FakeReport()}};
  return report;
}

Result<ApplyReport> Session::Apply(const wgnet::Plan&) {
  if (failing) return FakeError();
  return ApplyReport{kFakeStepsOfPlan, {"a warning"}};
}

Result<ApplyReport> Session::Apply(const Node& node, const Hooks&) {
  if (failing) return FakeError();
  seen_interfaces = static_cast<int>(node.interfaces().size());
  return ApplyReport{kFakeStepsOfNode, {"a warning"}};
}

Result<ApplyReport> Session::Apply(const wgnet::Plan&, const ConfirmOptions& confirm) {
  if (failing) return FakeError();
  return ReportOf(kFakeStepsOfPlan, confirm);
}

Result<ApplyReport> Session::Apply(const Node& node, const ConfirmOptions& confirm) {
  if (failing) return FakeError();
  seen_interfaces = static_cast<int>(node.interfaces().size());
  return ReportOf(kFakeStepsOfNode, confirm);
}

Result<ApplyReport> Session::Confirm(std::string_view token) {
  if (failing) return FakeError();
  seen_token = std::string(token);
  return ApplyReport{kFakeStepsToConfirm, {}};
}

Result<RollbackReport> Session::Rollback(std::string_view token) {
  if (failing) return FakeError();
  seen_token = std::string(token);
  return FakeReport();
}

Status Session::ExtendConfirmation(std::chrono::milliseconds within, std::string_view token) {
  if (failing) return FakeError();
  seen_confirm.within = within;
  seen_token = std::string(token);
  return {};
}

Result<std::optional<PendingChange>> Session::Pending() {
  if (failing) return FakeError();
  return nothing_waits ? std::nullopt : std::optional(FakePending());
}

Result<ApplyReport> Session::ConfirmWhen(const std::function<Result<bool>()>& probe,
                                         std::string_view token,
                                         std::chrono::milliseconds interval) {
  seen_interval = interval;
  while (true) {
    const auto right = probe();
    if (!right) return right.error();
    if (*right) return Confirm(token);
  }
}

Result<ApplyReport> Session::ConfirmOnHandshake(std::optional<PublicKey> peer,
                                                std::string_view token) {
  seen_peer = peer ? peer->ToString() : "";
  return Confirm(token);
}

Result<GuardReport> Session::Guard(const std::function<void()>& on_ready) {
  if (failing) return FakeError();
  if (on_ready) on_ready();
  GuardReport report{.owner = "fake", .rollback = {}};
  if (rollbacks != kFakeElsewhere) report.rollback = FakeReport();
  return report;
}

Result<wgnet::Plan> Session::PlanCleanup() {
  if (failing) return FakeError();
  return FakePlan();
}

class Watcher::Impl {};

Watcher::Watcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Watcher::Watcher(Watcher&&) noexcept = default;
Watcher& Watcher::operator=(Watcher&&) noexcept = default;
Watcher::~Watcher() = default;

Result<Watcher> Session::Watch(const WatchOptions& options) {
  if (failing) return FakeError();
  seen_watch = options;
  return Watcher(std::make_unique<Watcher::Impl>());
}

int Watcher::fd() const { return kFakeDescriptor; }

Result<std::vector<Event>> Watcher::Read() {
  if (failing) return FakeError();
  std::vector<Event> read(static_cast<size_t>(events));
  for (Event& event : read) {
    event.object = "address";
    event.command = "ip address add 10.13.13.1/24 dev wg0";
  }
  events = 0;
  return read;
}

Result<wgnet::Snapshot> Session::Snapshot() {
  if (failing) return FakeError();
  wgnet::Snapshot snapshot;
  snapshot.devices.push_back({.name = "wg0", .private_key = FakeKey()});
  return snapshot;
}

}  // namespace wgnet

FakeOptions FakeOptionsSeen() {
  return {seen_options->owner.c_str(),
          seen_options->netns.c_str(),
          seen_options->state_dir.c_str(),
          seen_options->lock_timeout.count(),
          seen_options->resolve_timeout ? seen_options->resolve_timeout->count() : -1,
          seen_options->resolve_retries ? *seen_options->resolve_retries : -1,
          seen_options->unresolved_endpoint == wgnet::UnresolvedEndpoint::kLater,
          seen_options->userspace_implementation.c_str(),
          seen_options->adopt_identical,
          seen_options->recovery == wgnet::RecoveryDirection::kForward,
          seen_options->guardian.c_str(),
          seen_adopt.c_str()};
}

FakeConfirmation FakeConfirmationSeen() {
  return {seen_confirm.within.count(), seen_confirm.persist,  seen_revoke.c_str(),
          seen_token.c_str(),          seen_interval.count(), seen_peer.c_str()};
}

FakeWatchOptions FakeWatchOptionsSeen() {
  return {seen_watch.keep ? static_cast<int>(seen_watch.keep->interfaces().size()) : -1,
          seen_watch.debounce.count(),
          seen_watch.poll_interval.count(),
          seen_watch.peer_timeout.count(),
          seen_watch.repair_interval.count(),
          seen_watch.repair_burst,
          seen_watch.receive_buffer};
}

int FakeInterfacesSeen() { return seen_interfaces; }

void FakeFailure(int fails) { failing = fails != 0; }
void FakeNothingToDo(int nothing) { nothing_to_do = nothing != 0; }
void FakeNothingWaits(int nothing) { nothing_waits = nothing != 0; }
void FakeRollback(FakeRollbacks rollback) { rollbacks = rollback; }
void FakeEvents(int count) { events = count; }
