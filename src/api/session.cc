// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/session.h"

#include <netdb.h>
#include <netinet/in.h>

#include <map>
#include <memory>

#include "src/base/no_memory.h"
#include "src/base/text.h"
#include "src/base/try.h"
#include "src/netlink/kernel_transport.h"
#include "src/plan/device_plan.h"
#include "src/plan/lowering.h"
#include "src/plan/planner.h"
#include "src/wireguard/userspace_transport.h"

namespace wgnet {
namespace {

// getaddrinfo(3), as wg(8) asks it.
Result<std::vector<IpAddress>> ResolveBySystem(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_protocol = IPPROTO_UDP;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found)) {
    return Error{.code = ErrorCode::kUnresolved,
                 .message = "the host " + QuoteForMessage(host) +
                            " cannot be looked up: " + gai_strerror(error),
                 .hint = "give an address, or see that the name resolves"};
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  std::vector<IpAddress> addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family == AF_INET) {
      const auto* v4 = reinterpret_cast<const sockaddr_in*>(entry->ai_addr);
      addresses.emplace_back(std::span(reinterpret_cast<const uint8_t*>(&v4->sin_addr), 4));
    } else if (entry->ai_family == AF_INET6) {
      const auto* v6 = reinterpret_cast<const sockaddr_in6*>(entry->ai_addr);
      addresses.emplace_back(std::span(reinterpret_cast<const uint8_t*>(&v6->sin6_addr), 16));
    }
  }
  return addresses;
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
                                                          const std::string& userspace) {
  WGNET_ASSIGN_OR_RETURN(auto kernel,
                         netlink::KernelTransport::Open(std::move(netns), std::move(runner)));
  if (userspace.empty()) return std::unique_ptr<netlink::Transport>(std::move(kernel));
  const netlink::NetworkNamespace& inside = kernel->netns();
  return std::unique_ptr<netlink::Transport>(
      std::make_unique<wireguard::UserspaceTransport>(std::move(kernel), inside, userspace));
}

}  // namespace

class Session::Impl {
 public:
  Impl(plan::Planner planner, plan::Resolver resolver)
      : planner_(std::move(planner)), resolver_(std::move(resolver)) {}

  template <class Wanted, class... Hooks>
  Result<wgnet::Plan> Plan(const Wanted& wanted, const Hooks&... hooks) {
    WGNET_RETURN_IF_ERROR(wanted.Check());
    WGNET_ASSIGN_OR_RETURN(const auto hosts, plan::ResolveHosts(wanted, resolver_));
    WGNET_ASSIGN_OR_RETURN(auto data, planner_.Plan(wanted, hosts, hooks...));
    return wgnet::Plan(std::make_shared<const plan::PlanData>(std::move(data)));
  }

  Result<ApplyReport> Apply(const wgnet::Plan& plan) {
    WGNET_ASSIGN_OR_RETURN(const size_t steps, planner_.Apply(plan.data()));
    return ApplyReport{steps, plan.warnings()};
  }

  template <class Wanted, class... Hooks>
  Result<ApplyReport> Apply(const Wanted& wanted, const Hooks&... hooks) {
    WGNET_RETURN_IF_ERROR(wanted.Check());
    WGNET_ASSIGN_OR_RETURN(const auto hosts, plan::ResolveHosts(wanted, resolver_));
    WGNET_ASSIGN_OR_RETURN(const auto plan, planner_.Apply(wanted, hosts, hooks...));
    return ApplyReport{plan.ops.size(), plan.warnings};
  }

  Result<wgnet::Snapshot> Snapshot() {
    WGNET_ASSIGN_OR_RETURN(const auto devices, planner_.ReadDevices());
    WGNET_ASSIGN_OR_RETURN(const auto owners, planner_.ReadOwners());
    wgnet::Snapshot snapshot{.devices = DevicesOf(devices), .unserved = UnservedOf(devices)};
    for (const auto& owner : owners) snapshot.owners.push_back(StatusOf(owner));
    return snapshot;
  }

 private:
  plan::Planner planner_;
  plan::Resolver resolver_;
};

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Session> Session::Open(SessionOptions options) {
  return CatchNoMemory([&]() -> Result<Session> {
    WGNET_RETURN_IF_ERROR(plan::CheckOwner(options.owner));
    WGNET_ASSIGN_OR_RETURN(auto netns, netlink::NetworkNamespace::Open(options.netns));
    WGNET_ASSIGN_OR_RETURN(auto state_dir, plan::StateDir::Open(options.state_dir, netns.id()));
    auto runner = options.process_runner ? options.process_runner : SystemProcessRunner();
    WGNET_ASSIGN_OR_RETURN(auto transport, OpenTransport(std::move(netns), std::move(runner),
                                                         options.userspace_implementation));
    plan::Resolver resolver = options.resolver ? options.resolver : ResolveBySystem;
    return Session(std::make_unique<Impl>(plan::Planner(options.owner, std::move(transport),
                                                        std::move(state_dir), options.lock_timeout),
                                          std::move(resolver)));
  });
}

Result<wgnet::Plan> Session::Plan(const Node& node, const Hooks& hooks) {
  return CatchNoMemory([&] { return impl_->Plan(node, hooks); });
}

Result<ApplyReport> Session::Apply(const wgnet::Plan& plan) {
  return CatchNoMemory([&] { return impl_->Apply(plan); });
}

Result<ApplyReport> Session::Apply(const Node& node, const Hooks& hooks) {
  return CatchNoMemory([&] { return impl_->Apply(node, hooks); });
}

Result<wgnet::Plan> Session::Plan(const DeviceUpdate& update) {
  return CatchNoMemory([&] { return impl_->Plan(update); });
}

Result<ApplyReport> Session::Apply(const DeviceUpdate& update) {
  return CatchNoMemory([&] { return impl_->Apply(update); });
}

Result<wgnet::Snapshot> Session::Snapshot() {
  return CatchNoMemory([&] { return impl_->Snapshot(); });
}

}  // namespace wgnet
