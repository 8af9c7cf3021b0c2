// SPDX-License-Identifier: MIT OR Apache-2.0
// Endpoints by name: later, once, by what can be reached, and again; and nothing else moves.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "src/base/try.h"
#include "src/plan/explain.h"
#include "tests/support/fake_names.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

constexpr char kNames[] = "a.example";

PublicKey KeyOf(const char* seed) { return TestKey(seed).Public(); }

Node Tunnel(const char* endpoint = "a.example:51820") {
  return Node().Add(
      Interface("wg0")
          .PrivateKey(TestKey("own"))
          .ListenPort(51820)
          .Address("10.9.0.1/24")
          .AddPeer(Peer(KeyOf("named")).Endpoint(endpoint).AllowedIp("10.9.0.2/32"))
          .AddPeer(Peer(KeyOf("other")).Endpoint("192.168.5.77:1").AllowedIp("10.9.0.3/32")));
}

class Names {
 public:
  explicit Names(HostAnswer answer) : host_(MakeHost(state_.path())) { Answer(std::move(answer)); }

  void Answer(HostAnswer answer) { resolver_.answers[kNames] = {std::move(answer)}; }
  FakeResolver& resolver() { return resolver_; }
  FaultTransport& transport() { return host_.transport(); }
  plan::LookUpOptions& options() { return options_; }

  // Applies: "" and what is said, or the error.
  template <class Wanted, class... Hooks>
  std::string Apply(const Wanted& wanted, const Hooks&... hooks) {
    host_.transport().Arm({});
    const auto done = TryApply(wanted, hooks...);
    if (!done) return "error: " + done.error().ToString();
    std::string told = plan::Explain(*done);
    if (done->ops.empty()) told.clear();
    for (const std::string& warning : done->warnings) told += "# " + warning + "\n";
    return told;
  }
  std::string Up(const Node& node = Tunnel()) { return Apply(node, Hooks()); }

  // The endpoint of a peer of wg0, as the kernel has it.
  std::string Endpoint(const char* seed) {
    const auto devices = host_.planner().ReadDevices();
    if (!devices) return devices.error().ToString();
    for (const auto& object : devices->objects()) {
      const auto* peer = std::get_if<kernel::WgPeer>(&object);
      if (peer == nullptr || peer->public_key != KeyOf(seed)) continue;
      return peer->endpoint ? kernel::SocketAddressWire::Text(*peer->endpoint) : "none";
    }
    return "no peer";
  }
  void Roam(const char* endpoint) {
    Apply(DeviceUpdate("wg0").AddPeer(PeerUpdate(KeyOf("named")).Endpoint(endpoint)));
  }

 private:
  static Host MakeHost(const std::string& directory) {
    MakeUplink("eth0", "192.168.5.1/24");
    return Host("owner", directory);
  }
  template <class Wanted, class... Hooks>
  Result<plan::PlanData> TryApply(const Wanted& wanted, const Hooks&... hooks) {
    WGNET_ASSIGN_OR_RETURN(const auto hosts, host_.planner().Resolve(wanted, options_));
    WGNET_ASSIGN_OR_RETURN(auto plan, host_.planner().Plan(wanted, hosts, hooks...));
    WGNET_ASSIGN_OR_RETURN(const auto done, host_.planner().Apply(plan));
    plan.warnings = done.warnings;
    return plan;
  }

  TemporaryDirectory state_;
  FakeResolver resolver_;
  plan::LookUpOptions options_{
      .resolver = &resolver_, .retries = 0, .unresolved = UnresolvedEndpoint::kLater};
  Host host_;
};

std::string Expect(const char* what, const std::string& found, const std::string& wanted) {
  return found == wanted ? "" : fmt::format("{}: [{}], not [{}]\n", what, found, wanted);
}

std::string NameOf(const char* message) {
  return fmt::format("Interface(\"wg0\").Peer(\"{}\").Endpoint: the host \"a.example\" {}",
                     KeyOf("named").ToString(), message);
}

std::string Later() {
  Names names(NotNow());
  names.options().unresolved = UnresolvedEndpoint::kError;
  std::string bad;
  if (!names.Up().starts_with("error: ")) bad += "no error\n";
  names.options().unresolved = UnresolvedEndpoint::kLater;
  const std::string warning = "# " + NameOf("cannot be looked up: servers are silent") + "\n";
  const std::string up = names.Up();
  if (!up.ends_with(warning) || up.starts_with("error")) bad += "no warning: " + up;
  bad += Expect("at first", names.Endpoint("named"), "none");
  bad += Expect("again", names.Up(), warning);
  bad += Expect("messages", std::to_string(names.transport().messages()), "0");
  names.Answer(Found({"192.168.5.8"}));
  bad += Expect(
      "given", names.Up(),
      fmt::format("wg set wg0 peer {} endpoint 192.168.5.8:51820\n", KeyOf("named").ToString()));
  bad += Expect("then", names.Endpoint("named"), "192.168.5.8:51820");
  return bad + Expect("other", names.Endpoint("other"), "192.168.5.77:1");
}

// What the kernel has learned stays, whatever the name says, until the file says another.
std::string Once() {
  Names names(Found({"192.168.5.8", "192.168.5.9"}));
  names.Up();
  std::string bad = Expect("first", names.Endpoint("named"), "192.168.5.8:51820");
  names.Roam("192.168.5.50:7");
  const size_t asked = names.resolver().asked.size();
  for (const auto& answer :
       {Found({"192.168.5.9", "192.168.5.8"}), Found({"192.168.5.10"}), NotNow(), NoSuchName()}) {
    names.Answer(answer);
    bad += Expect("again", names.Up(), "");
  }
  bad += Expect("asked", std::to_string(names.resolver().asked.size() - asked), "0");
  bad += Expect("roamed", names.Endpoint("named"), "192.168.5.50:7");
  names.Answer(Found({"192.168.5.10"}));
  names.Up(Tunnel("a.example:9"));
  return bad + Expect("another port", names.Endpoint("named"), "192.168.5.10:9");
}

// The link goes, and with it what it was given.
std::string LinkLost() {
  Names names(Found({"192.168.5.8"}));
  names.Up();
  Shell("ip link del wg0");
  names.Answer(Found({"192.168.5.9"}));
  const std::string up = names.Up();
  return (up.starts_with("error") ? up : "") +
         Expect("anew", names.Endpoint("named"), "192.168.5.9:51820");
}

std::string Families() {
  Names names(Found({"2001:db8::1", "192.168.5.8"}));
  names.Up();
  std::string bad = Expect("no way by IPv6", names.Endpoint("named"), "192.168.5.8:51820");
  names.Up(Node());
  Shell("ip route add unreachable 192.168.5.8/32");
  names.Answer(Found({"192.168.5.8", "192.168.5.9"}));
  names.Up();
  bad += Expect("refused", names.Endpoint("named"), "192.168.5.9:51820");
  names.Up(Node());
  Shell(
      "ip -6 addr add 2001:db8:5::1/64 dev eth0 nodad; ip -6 route add default via "
      "2001:db8:5::fe");
  names.Answer(Found({"2001:db8::1", "192.168.5.9"}));
  names.Up();
  bad += Expect("by IPv6", names.Endpoint("named"), "[2001:db8::1]:51820");
  names.Up(Node());
  names.Answer(Found({"203.0.113.1", "203.0.113.2"}));
  names.Up();
  return bad + Expect("no way at all", names.Endpoint("named"), "203.0.113.1:51820");
}

std::string Again() {
  Names names(Found({"192.168.5.8"}));
  names.Up();
  std::string bad;
  const auto reresolve = Reresolve::Of(Tunnel());
  bad += Expect("the same address", names.Apply(reresolve), "");
  names.Answer(NotNow());
  bad += Expect("not found", names.Apply(reresolve),
                "# " + NameOf("cannot be looked up: servers are silent") + "\n");
  names.Answer(Found({"192.168.5.9"}));
  bad += Expect(
      "moved", names.Apply(reresolve),
      fmt::format("wg set wg0 peer {} endpoint 192.168.5.9:51820\n", KeyOf("named").ToString()));
  bad += Expect("messages", std::to_string(names.transport().messages()), "1");
  bad += Expect("endpoint", names.Endpoint("named"), "192.168.5.9:51820");
  bad += Expect("other", names.Endpoint("other"), "192.168.5.77:1");
  bad += Expect("again", names.Apply(reresolve), "");
  bad += Expect("messages", std::to_string(names.transport().messages()), "0");
  bad += Expect("apply", names.Up(), "");
  auto recent = reresolve;
  recent.older_than = std::chrono::hours(24 * 365 * 100);
  names.Answer(Found({"192.168.5.10"}));
  // None has ever had a handshake.
  names.Apply(recent);
  return bad + Expect("never heard", names.Endpoint("named"), "192.168.5.10:51820");
}

TEST(EndpointName, ThatDoesNotResolveKeepsNothingDown) { EXPECT_EQ(InNewNamespace(Later), ""); }
TEST(EndpointName, IsGivenOnce) { EXPECT_EQ(InNewNamespace(Once), ""); }
TEST(EndpointName, IsLookedUpForANewLink) { EXPECT_EQ(InNewNamespace(LinkLost), ""); }
TEST(EndpointName, MeansAnAddressThatCanBeReached) { EXPECT_EQ(InNewNamespace(Families), ""); }
TEST(EndpointName, OfASilentPeerIsLookedUpAgain) { EXPECT_EQ(InNewNamespace(Again), ""); }

// ---- the MTU ----

std::string MtuOfWg0() {
  return Shell("ip -o link show wg0 | sed -n 's/.* mtu \\([0-9]*\\) .*/\\1/p' | tr -d '\\n'");
}

// Found anew when the way has changed, also where a name has no address yet; a stated one stays.
std::string MtuMoves() {
  Names names(NotNow());
  names.Up();
  std::string bad = Expect("at first", MtuOfWg0(), "1420");
  Shell("ip link set eth0 mtu 1400");
  names.Up();
  bad += Expect("narrower", MtuOfWg0(), "1320");
  bad += Expect("messages", names.Up().substr(0, 1), "#");
  names.Answer(Found({"192.168.5.8"}));
  Shell("ip link set eth0 mtu 1500; ip route add 192.168.5.8/32 dev eth0 mtu 1380");
  const std::string named = names.Up();
  if (MtuOfWg0() != "1300") bad += named;
  bad += Expect("by the name", MtuOfWg0(), "1300");
  Shell("ip route del 192.168.5.8/32 dev eth0");
  names.Answer(NotNow());
  names.Up();
  bad += Expect("wider", MtuOfWg0(), "1420");
  const Node stated = Node().Add(
      Interface("wg0").Mtu(1290).AddPeer(Peer(KeyOf("other")).Endpoint("192.168.5.77:1")));
  names.Up(stated);
  Shell("ip link set eth0 mtu 1200");
  bad += Expect("stated", names.Up(stated), "");
  return bad + Expect("stated", MtuOfWg0(), "1290");
}

TEST(EndpointMtu, FollowsTheRoute) { EXPECT_EQ(InNewNamespace(MtuMoves), ""); }

}  // namespace
}  // namespace wgnet::testing
