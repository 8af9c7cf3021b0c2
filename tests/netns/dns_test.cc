// SPDX-License-Identifier: MIT OR Apache-2.0
// Name servers as steps of a transaction, with a resolver in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/kernel_state.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

using ::testing::HasSubstr;

Node NodeWith(const Dns& dns) {
  return Node().Add(Interface("wg0").PrivateKey(TestKey("dns")).Address("10.8.0.2/24")).Add(dns);
}

Dns Servers() { return Dns("wg0").Server("10.8.0.1").SearchDomain("corp.example"); }

// Runs in a namespace of its own; "" is success.
template <class Body>
std::string WithHost(const Body& body) {
  return InNewNamespace([&]() -> std::string {
    const TemporaryDirectory state;
    MakeUplink("eth0", "192.168.5.1/24");
    Host host("owner", state.path());
    return body(host);
  });
}

std::string Told(Host& host) { return host.resolver().State(); }

std::string ErrorOf(const Status& status) { return status ? "" : status.error().ToString(); }

TEST(DnsTransactionTest, ComesChangesAndGoes) {
  EXPECT_EQ(
      WithHost([](Host& host) -> std::string {
        host.resolver().host = {DnsBackend::kResolvconf, "", "tun."};
        if (const auto up = host.Apply(NodeWith(Servers())); !up) return ErrorOf(up);
        if (Told(host) != "dns resolvconf  tun.wg0.wgnet: 10.8.0.1 corp.example exclusive\n") {
          return Told(host);
        }
        const Dns changed = Dns("wg0").Server("10.8.0.9").Exclusive(false);
        if (const auto again = host.Apply(NodeWith(changed)); !again) return ErrorOf(again);
        if (Told(host) != "dns resolvconf  tun.wg0.wgnet: 10.8.0.9\n") return Told(host);
        if (const auto down = host.Apply(Node()); !down) return ErrorOf(down);
        return Told(host);
      }),
      "");
}

TEST(DnsTransactionTest, TwiceIsNothing) {
  EXPECT_EQ(WithHost([](Host& host) -> std::string {
              const Node node = NodeWith(Servers());
              if (const auto up = host.Apply(node); !up) return ErrorOf(up);
              const auto plan = host.Plan(node);
              if (!plan) return plan.error().ToString();
              return plan->ops.empty() ? "" : "there are steps";
            }),
            "");
}

TEST(DnsTransactionTest, SearchDomainsAloneAreSet) {
  EXPECT_EQ(WithHost([](Host& host) -> std::string {
              const auto up = host.Apply(NodeWith(Dns("wg0").SearchDomain("corp.example")));
              return up ? Told(host).substr(Told(host).find(':')) : ErrorOf(up);
            }),
            ": corp.example\n");
}

TEST(DnsTransactionTest, ARefusalTakesEverythingBack) {
  for (const bool done_though : {false, true}) {
    const std::string told = WithHost([&](Host& host) -> std::string {
      const std::string before = host.State();
      host.transport().Arm({});
      const Node node = NodeWith(Servers());
      if (const auto up = host.Apply(node); !up) return ErrorOf(up);
      const size_t last = host.transport().messages();  // the resolver comes last
      if (const auto down = host.Apply(Node()); !down) return ErrorOf(down);
      host.transport().Arm({.message = last, .error = EPERM, .done_though = done_though});
      const Status refused = host.Apply(node);
      if (refused) return "it succeeded";
      const std::string difference = DifferenceOf(before, host.State());
      return difference.empty() ? ErrorOf(refused) : difference;
    });
    EXPECT_THAT(told, HasSubstr("refused by the test; rolled back, nothing left"));
    EXPECT_THAT(told, HasSubstr("resolvectl dns wg0 10.8.0.1"));
  }
}

TEST(DnsTransactionTest, ARefusedRemovalTakesEverythingBack) {
  EXPECT_THAT(WithHost([](Host& host) -> std::string {
                if (const auto up = host.Apply(NodeWith(Servers())); !up) return ErrorOf(up);
                const std::string before = host.State();
                host.resolver().refuses = true;
                const Status down = host.Apply(Node());
                const std::string difference = DifferenceOf(before, host.State());
                return difference.empty() ? ErrorOf(down) : difference;
              }),
              HasSubstr("the resolver refuses"));
}

TEST(DnsTransactionTest, WhatIsNotRequiredIsAWarningAndTriedAgain) {
  EXPECT_EQ(
      WithHost([](Host& host) -> std::string {
        const Node node = NodeWith(Servers().Required(false));
        host.resolver().refuses = true;
        const auto up = host.ApplyAndWarn(node);
        if (!up) return up.error().ToString();
        if (up->size() != 1 || up->front().find("the resolver refuses") == std::string::npos) {
          return "it does not warn";
        }
        if (!Told(host).empty()) return Told(host);
        host.resolver().refuses = false;
        const auto again = host.ApplyAndWarn(node);
        if (!again) return again.error().ToString();
        if (!again->empty()) return again->front();
        if (Told(host).empty()) return "it is not tried again";
        host.resolver().refuses = true;
        const auto down = host.ApplyAndWarn(Node());
        return down ? "" : down.error().ToString();
      }),
      "");
}

// As after a crash, or of wg-quick's.
TEST(DnsTransactionTest, WhatIsStaleIsReplacedAndComesBackWithARollback) {
  EXPECT_EQ(WithHost([](Host& host) -> std::string {
              host.resolver().host = {DnsBackend::kResolvconf, "", ""};
              auto& stale = host.resolver().known[{DnsBackend::kResolvconf, "", "wg0.wgnet"}];
              stale.servers = {*IpAddress::Parse("192.0.2.53")};
              stale.exclusive = false;
              const std::string before = host.State();
              if (host.Apply(NodeWith(Servers()), {.post_up = {"false"}})) return "it succeeded";
              std::string difference = DifferenceOf(before, host.State());
              if (!difference.empty()) return difference;
              if (const auto up = host.Apply(NodeWith(Servers())); !up) return ErrorOf(up);
              if (const auto down = host.Apply(Node()); !down) return ErrorOf(down);
              return Told(host);
            }),
            "");
}

TEST(DnsTransactionTest, AnotherBackendTakesOver) {
  EXPECT_EQ(WithHost([](Host& host) -> std::string {
              host.resolver().host = {DnsBackend::kFile, "/etc/resolv.conf", ""};
              if (const auto up = host.Apply(NodeWith(Servers())); !up) return ErrorOf(up);
              host.resolver().host = {DnsBackend::kResolvconf, "", ""};
              if (const auto up = host.Apply(NodeWith(Servers())); !up) return ErrorOf(up);
              return Told(host);
            }),
            "dns resolvconf  wg0.wgnet: 10.8.0.1 corp.example exclusive\n");
}

// A file does not know that the link is gone.
TEST(DnsTransactionTest, OutlivesALinkThatSomebodyDeletes) {
  for (const DnsBackend backend : {DnsBackend::kFile, DnsBackend::kResolvconf}) {
    for (const bool again : {false, true}) {
      EXPECT_EQ(WithHost([&](Host& host) -> std::string {
                  host.resolver().host = {backend, "", ""};
                  if (const auto up = host.Apply(NodeWith(Servers())); !up) return ErrorOf(up);
                  Shell("ip link del wg0");
                  if (again) {
                    if (const auto up = host.Apply(NodeWith(Servers())); !up) return ErrorOf(up);
                    if (Told(host).empty()) return "it is gone";
                  }
                  if (const auto down = host.Apply(Node()); !down) return ErrorOf(down);
                  return Told(host);
                }),
                "");
    }
  }
}

// As after a process that was killed.
TEST(DnsTransactionTest, RecoveryTakesAwayWhatNobodyHas) {
  EXPECT_EQ(WithHost([](Host& host) -> std::string {
              host.resolver().host = {DnsBackend::kResolvconf, "", "tun."};
              if (const auto up = host.Apply(NodeWith(Servers())); !up) return ErrorOf(up);
              auto& known = host.resolver().known;
              known[{DnsBackend::kResolvconf, "", "tun.gone.wgnet"}] = {};
              known[{DnsBackend::kFile, "/etc/resolv.conf", "wg9"}] = {};
              known[{DnsBackend::kFile, "/etc/resolv.conf", "eth0"}] = {};
              const auto done = host.planner().Recover();
              if (!done) return done.error().ToString();
              if (done->warnings.size() != 2) return "it does not say so";
              return Told(host);
            }),
            "dns resolvconf  tun.wg0.wgnet: 10.8.0.1 corp.example exclusive\n"
            "dns file /etc/resolv.conf eth0:\n");
}

TEST(DnsTransactionTest, RoutingDomainsNeedSystemdResolved) {
  const auto up = [](DnsBackend backend) {
    return WithHost([&](Host& host) {
      host.resolver().host = {backend, "", ""};
      return ErrorOf(host.Apply(NodeWith(Servers().SearchDomain("~corp.example"))));
    });
  };
  EXPECT_EQ(up(DnsBackend::kResolved), "");
  EXPECT_THAT(up(DnsBackend::kFile), HasSubstr("use systemd-resolved"));
  EXPECT_THAT(up(DnsBackend::kResolvconf), HasSubstr("Dns(\"wg0\").SearchDomain"));
}

}  // namespace
}  // namespace wgnet::testing
