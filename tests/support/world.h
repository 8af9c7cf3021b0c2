// SPDX-License-Identifier: MIT OR Apache-2.0
// A network namespace with an uplink, and a planner in it whose messages can be counted and failed,
// and whose replies can be spoiled.
// WireGuard is the kernel's where the kernel has it, and FakeWireguard elsewhere.
#ifndef WGNET_TESTS_SUPPORT_WORLD_H_
#define WGNET_TESTS_SUPPORT_WORLD_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/plan/planner.h"
#include "tests/support/fake_wireguard.h"
#include "tests/support/fault_transport.h"
#include "tests/support/reply_transport.h"
#include "tests/support/sandbox.h"

namespace wgnet::testing {

/// Whether tests run where there is a kernel with WireGuard, and must find it.
bool InGuest();

/// Makes a link of a kind that every kernel has, with an address, and up.
void MakeUplink(std::string_view name, std::string_view address);

/// One owner's planner on a transport that can fail.
class Host {
 public:
  /// All hosts of one directory share their records, so they are owners of one namespace.
  Host(const std::string& owner, const std::string& state_dir);
  /// With this resolver; the one above has one in memory.
  Host(const std::string& owner, const std::string& state_dir, std::unique_ptr<DnsSystem> dns);

  plan::Planner& planner() { return *planner_; }
  FaultTransport& transport() { return *transport_; }
  ReplyTransport& replies() { return *replies_; }
  const std::string& state_dir() const { return state_dir_; }
  FakeDns::Memory& resolver() { return *resolver_; }

  Result<plan::PlanData> Plan(const Node& node);
  Status Apply(const Node& node, const Hooks& hooks = {});
  /// The same, with its warnings.
  Result<std::vector<std::string>> ApplyAndWarn(const Node& node);
  /// Plans and applies in two steps, so that a stale plan is an error.
  Status ApplyOnce(const Node& node);
  /// The kernel's state, and that of the fake devices, once it moves no more: IPv6 addresses get
  /// their routes a moment later.
  std::string State() const;

 private:
  std::string state_dir_;
  FaultTransport* transport_;
  ReplyTransport* replies_;
  FakeWireguard* fake_ = nullptr;
  std::shared_ptr<FakeDns::Memory> resolver_ = std::make_shared<FakeDns::Memory>();
  std::unique_ptr<plan::Planner> planner_;
};

/// "" or the error's text.
inline std::string Text(const Status& status) { return status ? "" : status.error().ToString(); }

/// The same key for the same seed.
SecretKey TestKey(std::string_view seed);

/// The two configurations of the demonstration.
Node ServerNode();
Node ClientNode();
/// A node with every kind of object: two interfaces, some peers with several allowed IPs, both
/// families, a full tunnel, tables of their own, NAT with sets, forwarding, name servers, a kill
/// switch. Each peer has so many IPv4 networks.
Node LargeNode(int peers = 4, int networks = 4);
/// The same without what the resolver is told.
Node WithoutDns(const Node& node);
/// An interface with a key made from `own`, and peers with keys made from `peer` and of another.
Node KeyNode(std::string_view own, std::string_view peer);
/// Interfaces with these listen ports.
Node PortNode(const std::vector<std::pair<std::string, int>>& ports);
/// LargeNode with something changed in every layer.
Node ChangedNode(int peers = 4, int networks = 4);

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_WORLD_H_
