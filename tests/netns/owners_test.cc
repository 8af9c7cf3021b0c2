// SPDX-License-Identifier: MIT OR Apache-2.0
// Owners of one namespace: what they share stays while one of them needs it, and what one chose the
// other does not take.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>

#include "src/plan/explain.h"
#include "tests/support/world.h"
#include "wgnet/plan.h"

namespace wgnet::testing {
namespace {

using wgnet::Interface;

constexpr char kAcceptRa[] = "net/ipv6/conf/eth0/accept_ra";
constexpr char kIpv6Forwarding[] = "net/ipv6/conf/all/forwarding";
constexpr char kSendRedirects[] = "net/ipv4/conf/all/send_redirects";
constexpr char kSourceValidMark[] = "net/ipv4/conf/eth0/src_valid_mark";
constexpr char kSourceValidMarkOfAll[] = "net/ipv4/conf/all/src_valid_mark";
constexpr char kStrictFilter[] = "net/ipv4/conf/eth0/rp_filter";

std::string Read(std::string_view name) {
  std::ifstream in(fmt::format("/proc/sys/{}", name));
  std::string value;
  std::getline(in, value);
  return value;
}

void Write(std::string_view name, std::string_view value) {
  std::ofstream(fmt::format("/proc/sys/{}", name)) << value;
}

Interface BareInterface(std::string_view name) {
  return Interface(name).PrivateKey(SecretKey::GeneratePrivate());
}

Node BareNode(std::string_view interface) {
  Node node;
  node.Add(BareInterface(interface));
  return node;
}

// Forwards IPv4, and with an IPv6 address also IPv6.
Node ForwardingNode(std::string_view interface, std::string_view address) {
  Node node;
  node.Add(BareInterface(interface).Address(address));
  node.Add(ForwardRule().Between(interface, "eth0"));
  return node;
}

Node PrefixNode(std::string_view prefix) {
  Node node;
  node.Add(PolicyRoute::ForPrefix(prefix, "eth0"));
  return node;
}

Node TunnelNode(std::string_view interface) {
  Node node;
  node.Add(BareInterface(interface).AddPeer(
      Peer(SecretKey::GeneratePrivate().Public()).AllowedIp("0.0.0.0/0")));
  return node;
}

// Two owners in a namespace with an uplink, and what went wrong.
class World {
 public:
  World() { MakeUplink("eth0", "192.168.5.1/24"); }

  Host& a() { return a_; }
  Host& b() { return b_; }
  const std::string& failure() const { return failure_; }

  void Apply(Host& host, const Node& node) {
    if (const Status done = host.Apply(node); !done) Fail(done.error().ToString());
  }
  void Carry(Host& host, const plan::PlanData& plan) {
    if (const auto done = host.planner().Apply(plan); !done) Fail(done.error().ToString());
  }
  plan::PlanData Plan(Host& host, const Node& node) {
    auto plan = host.Plan(node);
    if (plan) return *std::move(plan);
    Fail(plan.error().ToString());
    return {};
  }
  void ExpectStale(Host& host, const plan::PlanData& plan) {
    const auto done = host.planner().Apply(plan);
    if (done || done.error().code != ErrorCode::kStale) Fail("a stale plan was applied");
  }
  void ExpectNothingToDo(Host& host, const Node& node) {
    const auto plan = Plan(host, node);
    if (!plan.ops.empty()) Fail("left to do: " + plan::Explain(plan));
  }
  void Expect(std::string_view when, std::string_view setting, std::string_view value) {
    if (Read(setting) == value) return;
    Fail(fmt::format("{}: {} is {}, not {}", when, setting, Read(setting), value));
  }
  void ExpectEqual(std::string_view actual, std::string_view expected) {
    if (actual != expected) Fail(fmt::format("{}instead of\n{}", actual, expected));
  }

 private:
  void Fail(std::string_view what) { failure_ += fmt::format("{}\n", what); }

  TemporaryDirectory state_;
  Host a_{"a", state_.path()};
  Host b_{"b", state_.path()};
  std::string failure_;
};

void InWorld(const std::function<void(World&)>& body) {
  EXPECT_EQ(InNewNamespace([&] {
              World world;
              body(world);
              return world.failure();
            }),
            "");
}

// No nftables in either plan: its generation would tell, too.
TEST(OwnersTest, APlanToLeaveIsStaleOnceAnotherOwnerShares) {
  InWorld([](World& world) {
    Write(kSendRedirects, "1");
    world.Apply(world.a(), BareNode("wga"));
    const auto leave = world.Plan(world.a(), {});
    world.Apply(world.b(), BareNode("wgb"));
    world.ExpectStale(world.a(), leave);
    world.Expect("with both", kSendRedirects, "0");
    world.Apply(world.a(), {});
    world.Expect("with b", kSendRedirects, "0");
    world.Apply(world.b(), {});
    world.Expect("with none", kSendRedirects, "1");
  });
}

// Somebody removes the one, and the other comes; then its owner looks for the one.
TEST(OwnersTest, ALinkIsNotTakenForAnothersThatIsGone) {
  InWorld([](World& world) {
    world.Apply(world.a(), BareNode("wga"));
    world.ExpectEqual(Shell("ip link del wga"), "");
    world.Apply(world.b(), BareNode("wgb"));
    const std::string before = Shell("ip -o link show wgb");
    world.Apply(world.a(), {});
    world.ExpectEqual(Shell("ip -o link show wgb"), before);
  });
}

TEST(OwnersTest, APlanIsStaleOnceAnotherOwnerTookTheSameNumbers) {
  InWorld([](World& world) {
    const auto plan = world.Plan(world.a(), PrefixNode("10.8.0.0/16"));
    world.Apply(world.b(), PrefixNode("10.9.0.0/16"));
    world.ExpectStale(world.a(), plan);
    world.Apply(world.a(), PrefixNode("10.8.0.0/16"));
    world.ExpectEqual(Shell("ip route show table 52820; ip route show table 52821"),
                      "10.9.0.0/16 dev eth0 proto 87 scope link \n"
                      "10.8.0.0/16 dev eth0 proto 87 scope link \n");
  });
}

TEST(OwnersTest, AnUndoIsStaleOnceAnotherOwnerShares) {
  InWorld([](World& world) {
    Write(kSendRedirects, "1");
    const auto plan = world.Plan(world.a(), BareNode("wga"));
    const Plan undo = Plan(std::make_shared<plan::PlanData>(plan)).Undo();
    world.Carry(world.a(), plan);
    world.Apply(world.b(), BareNode("wgb"));
    world.ExpectStale(world.a(), undo.data());
    world.Expect("with both", kSendRedirects, "0");
  });
}

TEST(OwnersTest, AnUndoHoldsWhileTheOtherOwnersDoNothing) {
  InWorld([](World& world) {
    Write(kSendRedirects, "1");
    world.Apply(world.b(), BareNode("wgb"));
    world.Apply(world.b(), {});
    const auto plan = world.Plan(world.a(), BareNode("wga"));
    world.Carry(world.a(), plan);
    world.Expect("with a", kSendRedirects, "0");
    world.Carry(world.a(), Plan(std::make_shared<plan::PlanData>(plan)).Undo().data());
    world.Expect("with none", kSendRedirects, "1");
  });
}

TEST(OwnersTest, APlanHoldsWhileTheOtherOwnersDoNothing) {
  InWorld([](World& world) {
    world.Apply(world.b(), ForwardingNode("wgb", "10.72.0.1/24"));
    world.Carry(world.a(), world.Plan(world.a(), ForwardingNode("wga", "10.71.0.1/24")));
    world.Carry(world.b(), world.Plan(world.b(), ForwardingNode("wgb", "10.73.0.1/24")));
    world.Carry(world.a(), world.Plan(world.a(), {}));
  });
}

// Whoever leaves first, the other's setting stays; the last puts back what was before the first.
void ExpectShared(World& world, bool first_leaves_first, std::string_view setting,
                  std::string_view original, const Node& first, const Node& second) {
  world.Expect("with none yet", setting, original);
  world.Apply(world.a(), first);
  world.Apply(world.b(), second);
  world.ExpectNothingToDo(world.b(), second);
  const std::string shared = Read(setting);
  if (shared == original) world.Expect("with both", setting, "changed");
  world.Apply(first_leaves_first ? world.a() : world.b(), {});
  world.Expect("with one", setting, shared);
  world.Apply(first_leaves_first ? world.b() : world.a(), {});
  world.Expect("with none", setting, original);
}

class SharedSetting : public ::testing::TestWithParam<bool> {};

TEST_P(SharedSetting, AcceptRaStaysWhileOneOwnerForwardsIpv6) {
  InWorld([](World& world) {
    ExpectShared(world, GetParam(), kAcceptRa, "1", ForwardingNode("wga", "fd0a::1/64"),
                 ForwardingNode("wgb", "fd0b::1/64"));
  });
}

TEST_P(SharedSetting, Ipv6ForwardingStaysWhileOneOwnerForwardsIpv6) {
  InWorld([](World& world) {
    ExpectShared(world, GetParam(), kIpv6Forwarding, "0", ForwardingNode("wga", "fd0a::1/64"),
                 ForwardingNode("wgb", "fd0b::1/64"));
  });
}

TEST_P(SharedSetting, SourceValidMarkStaysWhileOneOwnerHasAFullTunnel) {
  InWorld([](World& world) {
    Write(kStrictFilter, "1");
    ExpectShared(world, GetParam(), kSourceValidMark, "0", TunnelNode("wga"), TunnelNode("wgb"));
  });
}

INSTANTIATE_TEST_SUITE_P(, SharedSetting, ::testing::Bool(), [](const auto& info) {
  return info.param ? "TheFirstLeavesFirst" : "TheSecondLeavesFirst";
});

TEST(OwnersTest, AClaimOfSourceValidMarkStaysWhenSomebodySetsItForAll) {
  InWorld([](World& world) {
    Write(kStrictFilter, "1");
    const Node node = TunnelNode("wga");
    world.Apply(world.a(), node);
    Write(kSourceValidMarkOfAll, "1");
    world.ExpectNothingToDo(world.a(), node);
    world.Apply(world.b(), TunnelNode("wgb"));
    world.Apply(world.a(), {});
    world.Expect("with b", kSourceValidMark, "1");
    world.Apply(world.b(), {});
    world.Expect("with none", kSourceValidMark, "0");
  });
}

TEST(OwnersTest, SourceValidMarkIsNotClaimedWhereSomebodySetItForAll) {
  InWorld([](World& world) {
    Write(kStrictFilter, "1");
    Write(kSourceValidMarkOfAll, "1");
    world.Apply(world.a(), TunnelNode("wga"));
    world.Expect("with a", kSourceValidMark, "0");
  });
}

}  // namespace
}  // namespace wgnet::testing
