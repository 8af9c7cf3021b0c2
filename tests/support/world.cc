// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/world.h"

#include <fmt/format.h>
#include <sodium.h>
#include <unistd.h>

#include <cstdlib>

#include "src/base/try.h"
#include "src/netlink/kernel_transport.h"
#include "tests/support/kernel_state.h"

namespace wgnet::testing {
namespace {

using kernel::Edit;
using kernel::Verb;

template <class Object>
void Change(netlink::Client& client, Verb verb, const Object& object) {
  SecretBuffer bytes;
  netlink::MessageWriter out(bytes, client.sequence());
  kernel::Encode(Edit<Object>{verb, object, object}, {}, out);
  const iovec part{bytes.data(), bytes.size()};
  auto& last = *reinterpret_cast<nlmsghdr*>(bytes.data());
  client.Change(netlink::Bus::kRoute, {&part, 1}, last, [](const netlink::KernelError& error) {
    fmt::print(stderr, "the test's own set-up failed: errno {}\n", error.error_number);
    std::abort();
  });
}

std::unique_ptr<netlink::KernelTransport> OpenKernel(std::unique_ptr<DnsSystem> dns = nullptr) {
  auto netns = netlink::NetworkNamespace::Open("");
  auto transport =
      netlink::KernelTransport::Open(*std::move(netns), SystemProcessRunner(), std::move(dns));
  return *std::move(transport);
}

Peer TestPeer(int number, int networks) {
  Peer peer(TestKey(fmt::format("peer {}", number)).Public());
  peer.PresharedKey(TestKey(fmt::format("psk {}", number)));
  for (int i = 0; i < networks; ++i) peer.AllowedIp(fmt::format("10.{}.{}.0/24", 20 + number, i));
  return peer.AllowedIp(fmt::format("fd00:{}::/64", number + 1))
      .PersistentKeepalive(number % 2 == 0 ? 25 : 0);
}

Peer Provider() { return Peer(TestKey("provider").Public()).AllowedIp("0.0.0.0/0"); }

Interface ExitInterface(const Peer& provider) {
  return Interface("exit")
      .PrivateKey(TestKey("exit"))
      .ListenPort(51999)
      .Address("10.99.0.2/32")
      .Address("fd99::2/128")
      .AddPeer(provider);
}

}  // namespace

SecretKey TestKey(std::string_view seed) {
  uint8_t bytes[SecretKey::kSize];
  crypto_generichash(bytes, sizeof bytes, reinterpret_cast<const uint8_t*>(seed.data()),
                     seed.size(), nullptr, 0);
  return SecretKey(bytes);
}

bool InGuest() { return std::getenv("GUEST") != nullptr; }

void MakeUplink(std::string_view name, std::string_view address) {
  const auto transport = OpenKernel();
  netlink::Client client(*transport);
  kernel::Link link;
  link.name = FixedString<IFNAMSIZ - 1>(name);
  link.kind = FixedString<31>("ifb");
  link.index = 100 + static_cast<uint32_t>(name.back());
  link.up = true;
  // Its own link-local address is then the same every time.
  const uint8_t mac[12] = {10, 0, IFLA_ADDRESS, 0, 2, 0, 0, 0, 0, 1};
  const auto* bytes = reinterpret_cast<const std::byte*>(mac);
  link.extra.assign(bytes, bytes + sizeof mac);
  Change(client, Verb::kAdd, link);
  kernel::Address on_link;
  on_link.local = *Prefix::Parse(address);
  on_link.dev = link.ref();
  on_link.scope = RT_SCOPE_UNIVERSE;
  Change(client, Verb::kAdd, on_link);
}

Host::Host(const std::string& owner, const std::string& state_dir)
    : Host(owner, state_dir, nullptr) {}

Host::Host(const std::string& owner, const std::string& state_dir, std::unique_ptr<DnsSystem> dns)
    : state_dir_(state_dir) {
  if (dns == nullptr) dns = std::make_unique<FakeDns>(resolver_);
  std::unique_ptr<netlink::Transport> inner = OpenKernel(std::move(dns));
  if (!InGuest()) {
    auto fake = std::make_unique<FakeWireguard>(std::move(inner));
    fake_ = fake.get();
    inner = std::move(fake);
  }
  auto faulty = std::make_unique<FaultTransport>(std::move(inner));
  transport_ = faulty.get();
  auto replies = std::make_unique<ReplyTransport>(std::move(faulty));
  replies_ = replies.get();
  auto state = plan::StateDir::Open(state_dir, "test");
  planner_ = std::make_unique<plan::Planner>(owner, std::move(replies), *std::move(state),
                                             std::chrono::seconds(1));
}

Result<plan::PlanData> Host::Plan(const Node& node) {
  WGNET_RETURN_IF_ERROR(node.Check());
  WGNET_ASSIGN_OR_RETURN(const auto hosts, plan::ResolveHosts(node, {}));
  return planner_->Plan(node, hosts, {});
}

Status Host::Apply(const Node& node, const Hooks& hooks) {
  WGNET_ASSIGN_OR_RETURN(const auto hosts, plan::ResolveHosts(node, {}));
  const auto done = planner_->Apply(node, hosts, hooks);
  return done ? Status() : Status(done.error());
}

Result<std::vector<std::string>> Host::ApplyAndWarn(const Node& node) {
  WGNET_ASSIGN_OR_RETURN(const auto hosts, plan::ResolveHosts(node, {}));
  WGNET_ASSIGN_OR_RETURN(auto done, planner_->Apply(node, hosts, {}));
  return std::move(done.warnings);
}

Status Host::ApplyOnce(const Node& node) {
  WGNET_ASSIGN_OR_RETURN(const auto plan, Plan(node));
  const auto done = planner_->Apply(plan);
  return done ? Status() : Status(done.error());
}

std::string Host::State() const {
  std::string state = ReadKernelState();
  for (int attempt = 0; attempt < 400; ++attempt) {
    usleep(5000);
    std::string again = ReadKernelState();
    if (again == state && !HasTentativeAddress()) break;
    state = std::move(again);
  }
  return state + (fake_ != nullptr ? fake_->State() : "") + resolver_->State();
}

Node ServerNode() {
  Node node;
  node.Add(Interface("wg0")
               .PrivateKey("kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=")
               .ListenPort(51820)
               .Address("10.13.13.1")
               .AddPeer(Peer("HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=")
                            .PresharedKey("7mCNCZdMKeRz1Zrpl9bFS08jJAdv6/USazRVq7tjznY=")
                            .AllowedIp("10.13.13.2/32")));
  node.Add(NatRule::Masquerade().Source("10.13.13.0/24").OutInterface("eth*"));
  node.Add(ForwardRule().Between("wg0", "eth*"));
  return node;
}

Node ClientNode() {
  Node node;
  node.Add(Interface("wg0")
               .PrivateKey("+GLDb5QQOHQ2QKWvuFS/4FiWpnivaxzwlm0QmFJIHV8=")
               .ListenPort(51820)
               .Address("10.13.13.2")
               .AddPeer(Peer("t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=")
                            .PresharedKey("7mCNCZdMKeRz1Zrpl9bFS08jJAdv6/USazRVq7tjznY=")
                            .Endpoint("192.168.5.198:51820")
                            .AllowedIp("0.0.0.0/0")));
  return node;
}

Node LargeNode(int peers, int networks) {
  Node node;
  Interface hub("hub");
  hub.PrivateKey(TestKey("hub")).ListenPort(51821).Address("10.20.0.1/16").Address("fd00::1/64");
  for (int i = 0; i < peers; ++i) hub.AddPeer(TestPeer(i, networks));
  node.Add(hub);
  node.Add(ExitInterface(Provider().Endpoint("192.168.5.77:51820").AllowedIp("::/0")));
  node.Add(PolicyRoute::FullTunnel("exit").FwMark(0x2000, 0xff00).Table(700));
  node.Add(PolicyRoute::ForPrefix("10.77.0.0/16", "hub").From("10.20.0.0/16"));
  node.Add(NatRule::Masquerade().Source("10.20.0.0/16").Source("fd00::/64").OutInterface("eth*"));
  node.Add(NatRule::Masquerade().Source("10.1.0.0/16").Source("10.3.0.0/16").InInterface("hub"));
  node.Add(ForwardRule().Between("hub", "eth*"));
  node.Add(Dns("exit").Server("10.99.0.1").SearchDomain("corp.example"));
  node.Add(Dns("hub").SearchDomain("hub.example"));
  node.Add(KillSwitch());
  return node;
}

Node WithoutDns(const Node& node) {
  Node left;
  for (const auto& part : node.interfaces()) left.Add(part);
  for (const auto& part : node.policy_routes()) left.Add(part);
  for (const auto& part : node.nat_rules()) left.Add(part);
  for (const auto& part : node.forward_rules()) left.Add(part);
  if (node.kill_switch()) left.Add(*node.kill_switch());
  return left;
}

Node KeyNode(std::string_view own, std::string_view peer) {
  Node node;
  node.Add(Interface("wg0")
               .PrivateKey(TestKey(own))
               .ListenPort(51820)
               .Address("10.5.0.1/24")
               .AddPeer(Peer(TestKey(peer).Public()).AllowedIp("10.5.0.2/32"))
               .AddPeer(Peer(TestKey("third").Public()).AllowedIp("10.5.0.3/32")));
  return node;
}

Node PortNode(const std::vector<std::pair<std::string, int>>& ports) {
  Node node;
  for (size_t i = 0; i < ports.size(); ++i) {
    node.Add(Interface(ports[i].first)
                 .PrivateKey(TestKey(ports[i].first))
                 .ListenPort(ports[i].second)
                 .Address(fmt::format("10.6.{}.1/24", i))
                 .AddPeer(Peer(TestKey("peer of " + ports[i].first).Public())
                              .AllowedIp(fmt::format("10.6.{}.2/32", i))));
  }
  return node;
}

Node ChangedNode(int peers, int networks) {
  Node node;
  Interface hub("hub");
  hub.PrivateKey(TestKey("hub")).ListenPort(51822).Address("10.20.0.1/16").Address("fd00::9/64");
  hub.Mtu(1400);
  // The first peer goes, the second loses an IP to the third, the last is new.
  Peer second(TestKey("peer 1").Public());
  second.PresharedKey(TestKey("psk new")).AllowedIp("10.21.0.0/24").AllowedIp("10.21.1.0/24");
  hub.AddPeer(second);
  hub.AddPeer(TestPeer(2, networks).AllowedIp("10.21.2.0/24"));
  for (int i = 3; i < peers; ++i) hub.AddPeer(TestPeer(i, networks));
  hub.AddPeer(TestPeer(peers + 5, networks).Endpoint("192.168.5.78:1000"));
  node.Add(hub);
  node.Add(ExitInterface(Provider().Endpoint("192.168.5.99:51820")));
  node.Add(PolicyRoute::FullTunnel("exit").FwMark(0x3000, 0xff00).Table(701));
  node.Add(PolicyRoute::ForPrefix("10.78.0.0/16", "hub").From("10.20.0.0/16"));
  node.Add(NatRule::Masquerade().Source("10.20.0.0/16").OutInterface("eth*"));
  node.Add(NatRule::Masquerade().Source("10.0.0.0/15").Source("10.4.0.0/16").InInterface("hub"));
  node.Add(ForwardRule().Between("exit", "eth*"));
  node.Add(Dns("exit").Server("10.99.0.1").Server("fd99::1"));
  node.Add(KillSwitch().Tunnel("hub").Tunnel("exit"));
  return node;
}

}  // namespace wgnet::testing
