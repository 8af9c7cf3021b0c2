// SPDX-License-Identifier: MIT OR Apache-2.0
#include "fake_session.h"

#include <cerrno>

#include "src/plan/plan_data.h"
#include "wgnet/session.h"

namespace {

wgnet::SessionOptions* seen_options = nullptr;
int seen_interfaces = 0;
bool failing = false;

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
  return Session(std::make_shared<Impl>());
}

Result<wgnet::Plan> Session::Plan(const Node& node, const Hooks&) {
  if (failing) return FakeError();
  seen_interfaces = static_cast<int>(node.interfaces().size());
  return FakePlan();
}

const RecoveryReport& Session::recovered() const {
  static const RecoveryReport none;
  return none;
}
Result<RecoveryReport> Session::Recover() {
  if (failing) return FakeError();
  return RecoveryReport{.cut_off = {},
                        .owners = {{"one", kFakeStepsOfPlan}, {"other", kFakeStepsOfNode}}};
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
          seen_options->userspace_implementation.c_str()};
}

int FakeInterfacesSeen() { return seen_interfaces; }

void FakeFailure(int fails) { failing = fails != 0; }
