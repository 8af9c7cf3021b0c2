// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/session.h"

#include <unistd.h>

#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <memory>

#include "src/api/watcher_impl.h"
#include "src/base/no_memory.h"
#include "src/base/try.h"
#include "src/dns/host.h"
#include "src/netlink/kernel_transport.h"
#include "src/plan/device_plan.h"
#include "src/plan/lowering.h"
#include "src/plan/planner.h"
#include "src/wireguard/userspace_transport.h"

namespace wgnet {
namespace {

// A path is no name of ip-netns(8), which has /etc/netns/NAME.
Result<std::unique_ptr<DnsSystem>> ResolverOf(const std::string& name,
                                              const netlink::NetworkNamespace& netns,
                                              const std::shared_ptr<ProcessRunner>& runner) {
  WGNET_ASSIGN_OR_RETURN(const auto own, netlink::NetworkNamespace::Open(""));
  const bool is_name = name.find('/') == name.npos;
  return dns::HostResolver(
      {.id = netns.id(), .name = is_name ? name : "", .is_own = netns.id() == own.id()}, runner);
}

bool IsSame(const char* a, const char* b) {
  struct stat first;
  struct stat second;
  return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

plan::GuardianUnit GuardianUnitFor(bool finds_netns) {
  if (!IsSame("/proc/self/ns/pid", "/proc/1/ns/pid")) return plan::GuardianUnit::kNone;
  return finds_netns && IsSame("/proc/self/ns/mnt", "/proc/1/ns/mnt") ? plan::GuardianUnit::kService
                                                                      : plan::GuardianUnit::kScope;
}

// A service of systemd(1) is in the namespaces of process 1, but for a network namespace with a
// name; a process of ours is in the session's.
plan::Guardian GuardianFor(const SessionOptions& options, const netlink::NetworkNamespace& netns) {
  const bool is_name = options.netns.find('/') == std::string::npos && !options.netns.empty();
  const auto first = netlink::NetworkNamespace::Open("/proc/1/ns/net");
  const bool is_found = is_name || (first && first->id() == netns.id());
  std::error_code error;
  return {.program = options.guardian,
          .netns = is_name ? options.netns : "",
          .state_dir = std::filesystem::absolute(options.state_dir, error).string(),
          .unit = GuardianUnitFor(is_found)};
}

using LinkNames = std::map<uint32_t, std::string>;

// The zone of a link-local address is a link, by its name if it has one here.
std::optional<Endpoint> EndpointOf(kernel::SocketAddress address, const LinkNames& links) {
  std::string host = address.address.ToString();
  if (address.scope_id != 0) {
    const auto link = links.find(address.scope_id);
    host += "%" + (link != links.end() ? link->second : std::to_string(address.scope_id));
  }
  auto endpoint = Endpoint::Parse("[" + host + "]:" + std::to_string(address.port));
  return endpoint ? std::optional(*std::move(endpoint)) : std::nullopt;
}

PeerStatus StatusOf(const kernel::WgPeer& peer, const LinkNames& links) {
  PeerStatus status{.public_key = *peer.public_key,
                    .preshared_key = peer.preshared_key.value_or(SecretKey()),
                    .allowed_ips = *peer.allowed_ips,
                    .rx_bytes = peer.rx_bytes.value_or(0),
                    .tx_bytes = peer.tx_bytes.value_or(0),
                    .persistent_keepalive = peer.keepalive.value_or(0)};
  if (peer.endpoint) status.endpoint = EndpointOf(*peer.endpoint, links);
  if (peer.last_handshake) {
    status.last_handshake_seconds = peer.last_handshake->seconds;
    status.last_handshake_nanoseconds = peer.last_handshake->nanoseconds;
  }
  return status;
}

// Links come first, and a device before its peers.
std::vector<DeviceStatus> DevicesOf(const plan::Snapshot& snapshot) {
  std::vector<DeviceStatus> devices;
  LinkNames links;
  std::map<uint32_t, size_t> by_link;
  for (const kernel::Object& object : snapshot.objects()) {
    if (const auto* link = std::get_if<kernel::Link>(&object)) {
      links[*link->index] = link->name->str();
    } else if (const auto* device = std::get_if<kernel::WgDevice>(&object)) {
      by_link[device->dev->index] = devices.size();
      devices.push_back({.name = device->dev->name.str(),
                         .private_key = device->private_key.value_or(SecretKey()),
                         .public_key = device->public_key.value_or(PublicKey()),
                         .listen_port = device->listen_port.value_or(0),
                         .fwmark = device->fwmark.value_or(0)});
    } else if (const auto* peer = std::get_if<kernel::WgPeer>(&object)) {
      devices.back().peers.push_back(StatusOf(*peer, links));
    }
  }
  for (const kernel::Object& object : snapshot.objects()) {
    const auto* link = std::get_if<kernel::Link>(&object);
    const auto* address = std::get_if<kernel::Address>(&object);
    if (link == nullptr && address == nullptr) continue;
    const auto found = by_link.find(link != nullptr ? *link->index : address->dev->index);
    if (found == by_link.end()) continue;
    if (link != nullptr) devices[found->second].mtu = link->mtu.value_or(0);
    if (address != nullptr) devices[found->second].addresses.push_back(*address->local);
  }
  return devices;
}

std::vector<std::string> UnservedOf(const plan::Snapshot& snapshot) {
  std::vector<std::string> names;
  for (const kernel::Object& object : snapshot.objects()) {
    const auto* link = std::get_if<kernel::Link>(&object);
    if (link != nullptr && plan::LacksDevice(*link, snapshot)) names.push_back(link->name->str());
  }
  return names;
}

OwnerStatus StatusOf(const plan::Planner::Owner& owner) {
  OwnerStatus status{.owner = owner.record.owner,
                     .objects = owner.record.objects.size(),
                     .missing = owner.missing};
  for (const kernel::Object& object : owner.record.objects) {
    if (const auto* link = std::get_if<kernel::Link>(&object)) {
      status.interfaces.push_back(link->name->str());
    }
  }
  return status;
}

Result<std::unique_ptr<netlink::Transport>> OpenTransport(netlink::NetworkNamespace netns,
                                                          std::shared_ptr<ProcessRunner> runner,
                                                          std::unique_ptr<DnsSystem> dns,
                                                          const std::string& userspace) {
  WGNET_ASSIGN_OR_RETURN(auto kernel, netlink::KernelTransport::Open(
                                          std::move(netns), std::move(runner), std::move(dns)));
  if (userspace.empty()) return std::unique_ptr<netlink::Transport>(std::move(kernel));
  const netlink::NetworkNamespace& inside = kernel->netns();
  return std::unique_ptr<netlink::Transport>(
      std::make_unique<wireguard::UserspaceTransport>(std::move(kernel), inside, userspace));
}

}  // namespace

class Session::Impl {
 public:
  Impl(plan::Planner planner, netlink::NetworkNamespace netns, const SessionOptions& options,
       RecoveryReport recovered)
      : planner_(std::move(planner)),
        netns_(std::move(netns)),
        recovered_(std::move(recovered)),
        resolver_(options.resolver ? options.resolver : SystemResolver()),
        look_ups_{.resolver = resolver_.get(),
                  .timeout = options.resolve_timeout,
                  .retries = options.resolve_retries,
                  .unresolved = options.unresolved_endpoint} {}

  template <class Wanted, class... Hooks>
  Result<wgnet::Plan> Plan(const Wanted& wanted, const Hooks&... hooks) {
    WGNET_RETURN_IF_ERROR(Check(wanted));
    WGNET_ASSIGN_OR_RETURN(const auto hosts, planner_.Resolve(wanted, look_ups_));
    WGNET_ASSIGN_OR_RETURN(auto data, planner_.Plan(wanted, hosts, hooks...));
    return wgnet::Plan(std::make_shared<const plan::PlanData>(std::move(data)));
  }

  Result<ApplyReport> Apply(const wgnet::Plan& plan, const ConfirmOptions* confirm) {
    return ReportOf(planner_.Apply(plan.data(), confirm));
  }
  Result<ApplyReport> Apply(const Node& node, const Hooks& hooks, const ConfirmOptions* confirm) {
    WGNET_RETURN_IF_ERROR(Check(node));
    WGNET_ASSIGN_OR_RETURN(const auto hosts, planner_.Resolve(node, look_ups_));
    return ReportOf(planner_.Apply(node, hosts, hooks, confirm));
  }

  Result<wgnet::Plan> PlanCleanup() {
    WGNET_ASSIGN_OR_RETURN(auto data, planner_.PlanCleanup());
    return wgnet::Plan(std::make_shared<const plan::PlanData>(std::move(data)));
  }

  template <class Update>
  Result<ApplyReport> Apply(const Update& update) {
    WGNET_RETURN_IF_ERROR(Check(update));
    WGNET_ASSIGN_OR_RETURN(const auto hosts, planner_.Resolve(update, look_ups_));
    return ReportOf(planner_.Apply(update, hosts));
  }

  Result<ApplyReport> Confirm(std::string_view token) { return ReportOf(planner_.Confirm(token)); }
  plan::Planner& planner() { return planner_; }

  Result<std::unique_ptr<plan::Watch>> Watch(const WatchOptions& options) {
    WGNET_RETURN_IF_ERROR(plan::CheckWatch(options));
    WGNET_ASSIGN_OR_RETURN(auto netns, netns_.Share());
    plan::Watch::Repair repair;
    if (options.keep) {
      using Done = plan::Planner::Done;
      repair = [this, node = *options.keep](std::optional<uint64_t> number) -> Result<Done> {
        WGNET_ASSIGN_OR_RETURN(const auto hosts, planner_.Resolve(node, look_ups_));
        return number ? planner_.Keep(*number, node, hosts)
                      : planner_.Apply(node, hosts, Hooks(), nullptr);
      };
    }
    return plan::Watch::Open(planner_, std::move(netns), options, std::move(repair));
  }

  const RecoveryReport& recovered() const { return recovered_; }
  Result<RecoveryReport> Recover() {
    WGNET_ASSIGN_OR_RETURN(RecoveryReport report, planner_.Recover());
    report.cut_off.insert(report.cut_off.begin(), recovered_.cut_off.begin(),
                          recovered_.cut_off.end());
    report.warnings.insert(report.warnings.begin(), recovered_.warnings.begin(),
                           recovered_.warnings.end());
    return report;
  }

  Result<wgnet::Snapshot> Snapshot() {
    WGNET_ASSIGN_OR_RETURN(const auto devices, planner_.ReadDevices());
    WGNET_ASSIGN_OR_RETURN(const auto owners, planner_.ReadOwners());
    wgnet::Snapshot snapshot{.devices = DevicesOf(devices), .unserved = UnservedOf(devices)};
    for (const auto& owner : owners) snapshot.owners.push_back(StatusOf(owner));
    WGNET_ASSIGN_OR_RETURN(snapshot.pending, planner_.Pending());
    return snapshot;
  }

 private:
  static Result<ApplyReport> ReportOf(Result<plan::Planner::Done> done) {
    if (!done) return std::move(done).error();
    return ApplyReport{done->steps, std::move(done->warnings), std::move(done->pending)};
  }
  template <class Wanted>
  static Status Check(const Wanted& wanted) {
    return wanted.Check();
  }
  static Status Check(const Reresolve&) { return {}; }

  plan::Planner planner_;
  netlink::NetworkNamespace netns_;
  RecoveryReport recovered_;
  std::shared_ptr<Resolver> resolver_;
  plan::LookUpOptions look_ups_;
};

Session::Session(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Session> Session::Open(SessionOptions options) {
  return CatchNoMemory([&]() -> Result<Session> {
    WGNET_RETURN_IF_ERROR(plan::CheckOwner(options.owner));
    WGNET_ASSIGN_OR_RETURN(auto netns, netlink::NetworkNamespace::Open(options.netns));
    WGNET_ASSIGN_OR_RETURN(auto inside, netns.Share());
    WGNET_ASSIGN_OR_RETURN(auto state_dir, plan::StateDir::Open(options.state_dir, netns.id()));
    auto runner = options.process_runner ? options.process_runner : SystemProcessRunner();
    const plan::Guardian guardian = GuardianFor(options, netns);
    WGNET_ASSIGN_OR_RETURN(auto dns, ResolverOf(options.netns, netns, runner));
    WGNET_ASSIGN_OR_RETURN(auto transport,
                           OpenTransport(std::move(netns), std::move(runner), std::move(dns),
                                         options.userspace_implementation));
    plan::Planner planner(options.owner, std::move(transport), std::move(state_dir),
                          options.lock_timeout);
    planner.AllowAdoption(options.adopt);
    planner.AllowAdoptionOfIdentical(options.adopt_identical);
    planner.RecoverTo(options.recovery);
    planner.WarnOfCut(FindSshConnection(getpid()));
    if (!options.guardian.empty()) planner.UseGuardian(guardian);
    WGNET_ASSIGN_OR_RETURN(auto recovered, planner.RecoverCutOff());
    return Session(std::make_shared<Impl>(std::move(planner), std::move(inside), options,
                                          std::move(recovered)));
  });
}

Result<wgnet::Plan> Session::Plan(const Node& node, const Hooks& hooks) {
  return CatchNoMemory([&] { return impl_->Plan(node, hooks); });
}

Result<ApplyReport> Session::Apply(const wgnet::Plan& plan) {
  return CatchNoMemory([&] { return impl_->Apply(plan, nullptr); });
}

Result<ApplyReport> Session::Apply(const Node& node, const Hooks& hooks) {
  return CatchNoMemory([&] { return impl_->Apply(node, hooks, nullptr); });
}

Result<ApplyReport> Session::Apply(const wgnet::Plan& plan, const ConfirmOptions& confirm) {
  return CatchNoMemory([&] { return impl_->Apply(plan, &confirm); });
}

Result<ApplyReport> Session::Apply(const Node& node, const ConfirmOptions& confirm) {
  return CatchNoMemory([&] { return impl_->Apply(node, {}, &confirm); });
}

Result<ApplyReport> Session::Confirm(std::string_view token) {
  return CatchNoMemory([&] { return impl_->Confirm(token); });
}

Result<RollbackReport> Session::Rollback(std::string_view token) {
  return CatchNoMemory([&] { return impl_->planner().TakeBack(token); });
}

Status Session::ExtendConfirmation(std::chrono::milliseconds within, std::string_view token) {
  return CatchNoMemory([&] { return impl_->planner().Extend(within, token); });
}

Result<std::optional<PendingChange>> Session::Pending() {
  return CatchNoMemory([&] { return impl_->planner().Pending(); });
}

Result<GuardReport> Session::Guard(const std::function<void()>& on_ready) {
  return CatchNoMemory([&] { return impl_->planner().Guard(on_ready); });
}

Result<wgnet::Plan> Session::Plan(const DeviceUpdate& update) {
  return CatchNoMemory([&] { return impl_->Plan(update); });
}

Result<ApplyReport> Session::Apply(const DeviceUpdate& update) {
  return CatchNoMemory([&] { return impl_->Apply(update); });
}

Result<wgnet::Plan> Session::Plan(const Reresolve& reresolve) {
  return CatchNoMemory([&] { return impl_->Plan(reresolve); });
}

Result<ApplyReport> Session::Apply(const Reresolve& reresolve) {
  return CatchNoMemory([&] { return impl_->Apply(reresolve); });
}

const RecoveryReport& Session::recovered() const { return impl_->recovered(); }

Result<RecoveryReport> Session::Recover() {
  return CatchNoMemory([&] { return impl_->Recover(); });
}

Result<wgnet::Plan> Session::PlanCleanup() {
  return CatchNoMemory([&] { return impl_->PlanCleanup(); });
}

Result<Watcher> Session::Watch(const WatchOptions& options) {
  return CatchNoMemory([&]() -> Result<Watcher> {
    WGNET_ASSIGN_OR_RETURN(auto watch, impl_->Watch(options));
    return Watcher(std::make_unique<Watcher::Impl>(Watcher::Impl{impl_, std::move(watch), {}}));
  });
}

Result<wgnet::Snapshot> Session::Snapshot() {
  return CatchNoMemory([&] { return impl_->Snapshot(); });
}

}  // namespace wgnet
