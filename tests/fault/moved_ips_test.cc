// SPDX-License-Identifier: MIT OR Apache-2.0
// Allowed IPs that move between peers, where buffers are so small that the peers do not go to the
// kernel in one send.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iostream>
#include <map>
#include <vector>

#include "tests/support/kernel_state.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

constexpr int kPeers = 300;
constexpr size_t kSmallBuffer = 40000;

// The peers of one interface, and who has what besides an IP of its own.
struct Hub {
  std::string name;
  std::string preshared_key;
  int peers = kPeers;
  std::multimap<int, std::string> more;
  int without = -1;  // this peer is not there
};

Interface MakeHub(const Hub& hub) {
  Interface interface(hub.name);
  interface.PrivateKey(TestKey(hub.name)).Table(RouteTable::Off());
  for (int i = 0; i < hub.peers; ++i) {
    if (i == hub.without) continue;
    Peer peer(TestKey(fmt::format("{} {}", hub.name, i)).Public());
    peer.PresharedKey(TestKey(hub.preshared_key));
    peer.AllowedIp(fmt::format("10.{}.{}.0/24", i / 256, i % 256));
    const auto [from, to] = hub.more.equal_range(i);
    for (auto ip = from; ip != to; ++ip) peer.AllowedIp(ip->second);
    interface.AddPeer(peer);
  }
  return interface;
}

// Between these, IPs move forth and back among the first and the last peers, to a new peer, and
// from one that goes; and on another interface the same IPs move the other way.
Node Before() {
  Node node;
  node.Add(MakeHub({"wg0",
                    "old",
                    kPeers,
                    {{kPeers - 1, "172.16.0.0/16"},
                     {0, "172.17.0.0/16"},
                     {0, "172.18.0.0/16"},
                     {1, "172.19.0.0/16"},
                     {7, "172.20.0.0/16"},
                     {8, "172.21.0.0/16"}}}));
  node.Add(MakeHub({"wg1", "old", 3, {{0, "172.16.0.0/16"}, {1, "172.18.0.0/16"}}}));
  return node;
}

Node After() {
  Node node;
  node.Add(MakeHub({"wg0",
                    "new",
                    kPeers + 1,
                    {{0, "172.16.0.0/16"},
                     {kPeers - 1, "172.17.0.0/16"},
                     {2, "172.19.0.0/16"},
                     {200, "172.20.0.0/16"},
                     {kPeers, "172.21.0.0/16"}},
                    7}));
  node.Add(MakeHub({"wg1", "new", 3, {{2, "172.16.0.0/16"}}}));
  return node;
}

// Applies `After` to `Before`; says what is not as it must be.
std::string Change(const Fault& fault, size_t* messages = nullptr, size_t buffer = kSmallBuffer) {
  const TemporaryDirectory state;
  Host host("owner", state.path());
  host.transport().LimitSend(buffer);
  if (Status status = host.Apply(Before()); !status) return "before: " + status.error().ToString();
  const std::string before = host.State();
  host.transport().Arm(fault);
  const Status status = host.ApplyOnce(After());
  if (messages != nullptr) *messages = host.transport().messages();
  if (fault.message == 0) {
    if (!status) return status.error().ToString();
    const auto rest = host.Plan(After());
    return !rest ? rest.error().ToString() : rest->ops.empty() ? "" : "the plan is not empty";
  }
  if (!host.transport().fired()) return "the fault was not reached";
  if (status) return "the fault went unnoticed";
  if (!status.error().rollback->complete()) return status.error().ToString();
  return DifferenceOf(before, host.State());
}

size_t CountMessages() {
  return CountInNewNamespace([](size_t& messages) { return Change({}, &messages); });
}

TEST(MovedIps, ArriveInSmallWaves) { EXPECT_GT(CountMessages(), 2u); }

TEST(MovedIps, GoBackFromEveryMessage) {
  const size_t messages = CountMessages();
  ASSERT_GT(messages, 2u);
  for (size_t message = 1; message <= messages; ++message) {
    const std::string failure = InNewNamespace([&] {
      return Change({message, EPERM, std::nullopt});
    });
    EXPECT_EQ(failure, "") << "message " << message;
  }
  std::cout << fmt::format("{} messages, every one failed\n", messages);
}

bool EnterUserNamespace() {
  const auto map = fmt::format("0 {} 1", getuid());
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  std::ofstream("/proc/self/uid_map") << map;
  return getuid() == 0;
}

TEST(MovedIps, ArriveInAUserNamespace) {
  EXPECT_EQ(InNewNamespace([] {
              return EnterUserNamespace() ? Change({}, nullptr, SIZE_MAX) : "no user namespace";
            }),
            "");
}

// After so many peers of a message, and so many IPs of the next.
TEST(MovedIps, GoBackFromInsideAMessage) {
  const size_t messages = CountMessages();
  ASSERT_GT(messages, 2u);
  size_t cases = 0;
  for (size_t message = 1; message <= messages; ++message) {
    for (const size_t peers : {0u, 1u, 2u, 60u, 127u}) {
      const Fault fault{message, ENOMEM, Fault::Partial{peers, 1}};
      EXPECT_EQ(InNewNamespace([&] { return Change(fault); }), "")
          << "message " << message << " peer " << peers;
      ++cases;
    }
  }
  std::cout << fmt::format("{} messages, {} cases\n", messages, cases);
}

}  // namespace
}  // namespace wgnet::testing
