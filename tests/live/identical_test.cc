// SPDX-License-Identifier: MIT OR Apache-2.0
// Objects of somebody else's that stand where a node wants the same: an error, or taken over where
// that is asked for; and put back by a rollback as they were.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/kernel_state.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

using ::testing::HasSubstr;

Interface Link() {
  return Interface("wg0").PrivateKey(TestKey("own")).ListenPort(51820).Address("10.9.0.1/24");
}

Node Before() { return Node().Add(Link()); }

Node Wanted() {
  return Node()
      .Add(Link()
               .Address("10.8.0.1/24")
               .Address("fd08::1/64")
               .Address("fe80::8:1/64")
               .AddPeer(
                   Peer(TestKey("peer").Public()).AllowedIp("10.7.0.0/16").AllowedIp("fd07::/64")))
      .Add(PolicyRoute::ForPrefix("10.6.0.0/16", "wg0").Table(700).Priority(900));
}

constexpr char kTwins[] =
    "ip address add 10.8.0.1/24 dev wg0 && "
    "ip address add fd08::1/64 dev wg0 nodad && "
    "ip address add fe80::8:1/64 dev wg0 nodad && "
    "ip route add 10.7.0.0/16 dev wg0 scope link && "
    "ip -6 route add fd07::/64 dev wg0 && "
    "ip route add 10.6.0.0/16 dev wg0 table 700 scope link && "
    "ip rule add to 10.6.0.0/16 priority 900 lookup 700";

std::string InWorld(const std::string& made, const std::function<std::string(Host&)>& body) {
  return InNewNamespace([&]() -> std::string {
    const TemporaryDirectory state;
    MakeUplink("eth0", "192.168.5.1/24");
    Host host("owner", state.path());
    if (const Status done = host.Apply(Before()); !done) return Text(done);
    const std::string said = Shell(made);
    if (!said.empty()) return said;
    return body(host);
  });
}

TEST(Identical, IsAConflict) {
  EXPECT_THAT(InWorld(kTwins, [](Host& host) { return Text(host.Apply(Wanted())); }),
              HasSubstr("somebody else has"));
}

// Linux 6.1 keeps the mark of an IPv4 address that there was before.
std::string WithoutAddressMarks(const std::string& state) {
  constexpr std::string_view kMark = " 11=57";  // IFA_PROTO
  std::istringstream in(state);
  std::string text;
  for (std::string line; std::getline(in, line); text += line + "\n") {
    if (line.starts_with("address") && line.ends_with(kMark))
      line.resize(line.size() - kMark.size());
  }
  return text;
}

// With our mark they are as if we had made them, and go with the node.
TEST(Identical, IsTakenOverIfAskedFor) {
  EXPECT_EQ(InWorld(kTwins,
                    [](Host& host) -> std::string {
                      host.planner().AllowAdoptionOfIdentical(true);
                      if (const Status done = host.Apply(Wanted()); !done) return Text(done);
                      const auto rest = host.Plan(Wanted());
                      if (!rest || !rest->ops.empty()) return "the second plan is not empty";
                      const std::string taken = host.State();
                      if (const Status done = host.Apply({}); !done) return Text(done);
                      host.planner().AllowAdoptionOfIdentical(false);
                      if (const Status done = host.Apply(Wanted()); !done) return Text(done);
                      return DifferenceOf(WithoutAddressMarks(host.State()),
                                          WithoutAddressMarks(taken));
                    }),
            "");
}

TEST(Identical, ComesBackAsItWas) {
  size_t faults = 0;
  EXPECT_EQ(InWorld(kTwins,
                    [&](Host& host) -> std::string {
                      host.planner().AllowAdoptionOfIdentical(true);
                      const std::string before = host.State();
                      for (size_t message = 1;; ++message) {
                        host.transport().Arm({.message = message, .error = EPERM});
                        if (host.Apply(Wanted())) break;
                        const std::string difference = DifferenceOf(before, host.State());
                        if (!difference.empty()) return difference;
                        ++faults;
                      }
                      return faults > 5 ? "" : "few messages";
                    }),
            "");
}

TEST(Identical, WhatDiffersStaysAConflict) {
  const auto apply = [](Host& host) {
    host.planner().AllowAdoptionOfIdentical(true);
    return Text(host.Apply(Wanted()));
  };
  for (const char* made :
       {"ip route add 10.7.0.0/16 dev eth0", "ip route add 10.7.0.0/16 dev wg0 via 10.9.0.7",
        "ip route add 10.7.0.0/16 dev wg0 scope link mtu 1300",
        "ip rule add to 10.6.0.0/16 priority 900 lookup 701",
        "ip rule add to 10.6.0.0/16 priority 900 lookup 700 uidrange 1-2",
        "ip rule add from 10.6.0.0/16 priority 900 lookup 700"}) {
    EXPECT_THAT(InWorld(made, apply), HasSubstr("somebody else has")) << made;
  }
}

// What is on another owner's record is his.
TEST(Identical, AnotherOwnersIsAConflict) {
  EXPECT_THAT(
      InWorld("true",
              [](Host& host) -> std::string {
                Host other("other", host.state_dir());
                const Node rule =
                    Node()
                        .Add(Interface("wg7").PrivateKey(TestKey("7")))
                        .Add(PolicyRoute::ForPrefix("10.6.0.0/16", "wg7").Table(700).Priority(900));
                if (const Status done = other.Apply(rule); !done) return Text(done);
                host.planner().AllowAdoptionOfIdentical(true);
                return Text(host.Apply(Wanted()));
              }),
      HasSubstr("somebody else has"));
}

}  // namespace
}  // namespace wgnet::testing
