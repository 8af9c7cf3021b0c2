// SPDX-License-Identifier: MIT OR Apache-2.0
// Name servers, told to a resolver that runs: the one that with_resolver has started.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "src/dns/host.h"
#include "tests/support/kernel_state.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Kind() {
  const char* const kind = std::getenv("WGNET_TEST_RESOLVER");
  return kind != nullptr ? kind : "";
}

DnsBackend Backend() {
  if (Kind() == "resolved") return DnsBackend::kResolved;
  return Kind() == "file" ? DnsBackend::kFile : DnsBackend::kResolvconf;
}

std::unique_ptr<DnsSystem> Resolver(const std::string& netns_id = "test") {
  return dns::HostResolver({.id = netns_id, .name = "", .is_own = true}, SystemProcessRunner());
}

// What the machine's programs ask, without comments.
std::string Effect() {
  if (Kind() == "resolved") {
    return Shell(
        "for p in DNS Domains; do busctl get-property org.freedesktop.resolve1 "
        "/org/freedesktop/resolve1 org.freedesktop.resolve1.Manager $p; done");
  }
  return Shell("sed -n '/^nameserver/p;/^search/p;/^options/p' /etc/resolv.conf");
}

std::string LinkIndex() { return std::to_string(if_nametoindex("wg0")); }

// wg0 has 10.8.0.1 and corp.example, or what a later test gives it.
std::string ExpectedEffect(const std::string& last_byte, const std::string& domain) {
  const std::string server = "10.8.0." + last_byte;
  if (Kind() == "resolved") {
    const std::string index = LinkIndex();
    return "a(iiay) 1 " + index + " 2 4 10 8 0 " + last_byte + "\na(isb) 2 " + index + " \"" +
           domain + "\" false " + index + " \".\" true\n";
  }
  if (Kind() == "resolvconf") {  // which knows no exclusive servers
    return "nameserver " + server + "\nnameserver 192.0.2.53\nsearch " + domain + " home.example\n";
  }
  if (Kind() == "openresolv") return "search " + domain + "\nnameserver " + server + "\n";
  return "nameserver " + server + "\nsearch " + domain + "\n";
}

Node NodeWith(const std::string& last_byte, const std::string& domain) {
  return Node()
      .Add(Interface("wg0").PrivateKey(TestKey("dns")).Address("10.8.0.2/24"))
      .Add(Dns("wg0").Server("10.8.0." + last_byte).SearchDomain(domain));
}

class ResolverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(Kind(), "") << "run it by tests/dns/with_resolver";
    before_ = Effect();
  }

  Host host() { return Host("owner", state_.path(), Resolver()); }
  static void Apply(Host& host, const Node& node) {
    const Status done = host.Apply(node);
    ASSERT_TRUE(done) << done.error();
  }

  TemporaryDirectory state_;
  std::string before_;
};

// Where all interfaces share a text.
class SharedTextTest : public ResolverTest {};
// Where nobody keeps the file.
class FileTest : public ResolverTest {};

TEST_F(ResolverTest, IsTheOneThatIsFound) {
  const auto found = Resolver()->FindHost(std::nullopt);
  ASSERT_TRUE(found) << found.error();
  EXPECT_EQ(found->backend, Backend());
  EXPECT_EQ(found->prefix, Kind() == "resolvconf" ? "tun." : "");
}

TEST_F(ResolverTest, HasTheServersWhileTheInterfaceIsThere) {
  Host host = this->host();
  Apply(host, NodeWith("1", "corp.example"));
  EXPECT_EQ(Effect(), ExpectedEffect("1", "corp.example"));
  const auto again = host.Plan(NodeWith("1", "corp.example"));
  ASSERT_TRUE(again) << again.error();
  EXPECT_TRUE(again->ops.empty());
  Apply(host, NodeWith("9", "example.org"));
  EXPECT_EQ(Effect(), ExpectedEffect("9", "example.org"));
  Apply(host, Node());
  EXPECT_EQ(Effect(), before_);
}

TEST_F(ResolverTest, IsAsBeforeAfterARollback) {
  Host host = this->host();
  EXPECT_FALSE(host.Apply(NodeWith("1", "corp.example"), {.post_up = {"false"}}));
  EXPECT_EQ(Effect(), before_);
  Apply(host, NodeWith("1", "corp.example"));
  EXPECT_FALSE(host.Apply(Node(), {.post_down = {"false"}}));
  EXPECT_EQ(Effect(), ExpectedEffect("1", "corp.example"));
  Apply(host, Node());
  EXPECT_EQ(Effect(), before_);
}

TEST_F(ResolverTest, SearchDomainsAlone) {
  Host host = this->host();
  Node node = Node().Add(Interface("wg0")).Add(Dns("wg0").SearchDomain("corp.example"));
  Apply(host, node);
  EXPECT_NE(Effect().find("corp.example"), std::string::npos) << Effect();
  if (Kind() != "resolved") {
    EXPECT_NE(Effect().find("nameserver 192.0.2.53"), std::string::npos) << Effect();
  }
  Apply(host, Node());
  EXPECT_EQ(Effect(), before_);
}

TEST_F(ResolverTest, ServersBesideThoseOfOthers) {
  Host host = this->host();
  Node node = Node().Add(Interface("wg0"));
  node.Add(Dns("wg0").Server("10.8.0.1").Server("fd00::53").Exclusive(false));
  Apply(host, node);
  if (Kind() != "resolved") {
    for (const char* server : {"10.8.0.1", "fd00::53", "192.0.2.53"}) {
      EXPECT_NE(Effect().find(std::string("nameserver ") + server + "\n"), std::string::npos)
          << Effect();
    }
  }
  Apply(host, Node());
  EXPECT_EQ(Effect(), before_);
}

// Applies a node in a process that is killed after so many steps. False: it came to its end first.
bool KilledAfter(size_t steps, Host& host, const Node& node) {
  const pid_t child = fork();
  if (child == 0) {
    host.transport().OnStep([&] {
      if (steps-- == 0) kill(getpid(), SIGKILL);
    });
    _exit(host.Apply(node) ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
  return WIFSIGNALED(status);
}

// Whether the interface can reach the servers that it brought.
bool TunnelIsWhole() {
  return !Shell("ip -br address show dev wg0 up 2>&1 | grep -F 10.8.0.2/24").empty();
}

// Between any two steps of coming, changing and going.
TEST_F(ResolverTest, WorksAfterAKillAndRecovery) {
  const std::vector<std::pair<Node, Node>> ways = {
      {Node(), NodeWith("1", "corp.example")},
      {NodeWith("1", "corp.example"), NodeWith("9", "example.org")},
      {NodeWith("1", "corp.example"), Node()}};
  size_t kills = 0;
  for (const auto& [from, to] : ways) {
    for (size_t steps = 0;; ++steps) {
      SCOPED_TRACE("after step " + std::to_string(steps));
      Host host = this->host();
      Apply(host, from);
      const bool killed = KilledAfter(steps, host, to);
      if (killed) ++kills;
      const auto recovered = host.planner().Recover();
      ASSERT_TRUE(recovered) << recovered.error();
      if (TunnelIsWhole()) {
        EXPECT_THAT(Effect(), AnyOf(before_, ExpectedEffect("1", "corp.example"),
                                    ExpectedEffect("9", "example.org")));
      } else {
        EXPECT_EQ(Effect(), before_);
      }
      Shell("ip link del wg0 2>/dev/null");
      ASSERT_TRUE(host.planner().Recover());
      EXPECT_EQ(Effect(), before_);
      if (!killed) break;
    }
  }
  EXPECT_GE(kills, 9u);
  std::cout << "killed after each of " << kills << " steps\n";
}

// A DHCP client gets other servers while the interface is up.
TEST_F(SharedTextTest, WhatOthersSetMeanwhileStays) {
  const bool by_program = Backend() == DnsBackend::kResolvconf;
  const auto set = [&](const std::string& server) {
    const std::string line = "nameserver " + server + "\\nsearch home.example\\n";
    Shell("printf '" + line + "' | " +
          (by_program ? "resolvconf -a eth0.dhcp" : "cat >/etc/resolv.conf"));
  };
  Host host = this->host();
  Apply(host, NodeWith("1", "corp.example"));
  set("192.0.2.99");
  const std::string theirs = "nameserver 192.0.2.99";
  Apply(host, Node());
  EXPECT_NE(Effect().find(theirs), std::string::npos) << Effect();
  EXPECT_EQ(Effect().find("10.8.0.1"), std::string::npos) << Effect();
  set("192.0.2.53");
}

// As containers have it: it cannot be replaced, only written.
TEST_F(FileTest, AMountedFileIsWrittenInPlace) {
  const TemporaryDirectory outside;
  const std::string file = outside.path() + "/resolv.conf";
  const std::string text = "nameserver 192.0.2.1\n# a long line that goes away\n";
  std::ofstream(file) << text;
  Shell("mount --bind " + file + " /etc/resolv.conf");
  Host host = this->host();
  Apply(host, NodeWith("1", "corp.example"));
  EXPECT_EQ(Effect(), ExpectedEffect("1", "corp.example"));
  Apply(host, Node());
  std::ifstream back(file);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(back), {}), text);
  Shell("umount /etc/resolv.conf");
}

// The machine lost its power: the file is on a disk, and nothing else is left.
TEST_F(FileTest, RecoveryTakesAwayWhatIsOfAnEarlierBoot) {
  const DnsPlace place{DnsBackend::kFile, "/etc/resolv.conf", "wg0"};
  const DnsConfig config{.servers = {*IpAddress::Parse("10.8.0.1")}};
  ASSERT_TRUE(Resolver(std::string(36, '1') + "-5")->Write(place, config));
  ASSERT_NE(Effect(), before_);
  Host host("owner", state_.path(), Resolver(std::string(36, '2') + "-5"));
  const auto report = host.planner().Recover();
  ASSERT_TRUE(report) << report.error();
  EXPECT_THAT(report->warnings,
              ElementsAre("name servers from before the last boot are taken away"));
  EXPECT_EQ(Effect(), before_);
  EXPECT_THAT(host.planner().Recover()->warnings, IsEmpty());
}

TEST_F(FileTest, ANamedNamespaceHasAFileOfItsOwn) {
  const auto resolver =
      dns::HostResolver({.id = "other", .name = "blue", .is_own = false}, SystemProcessRunner());
  const auto found = resolver->FindHost(std::nullopt);
  ASSERT_TRUE(found) << found.error();
  EXPECT_EQ(found->path, "/etc/netns/blue/resolv.conf");
  const DnsPlace place{found->backend, found->path, found->LabelOf(7, "wg0")};
  DnsConfig config{.servers = {*IpAddress::Parse("10.8.0.1")}, .exclusive = true};
  ASSERT_TRUE(resolver->Write(place, config));
  config.order = 1;  // the first that came
  EXPECT_EQ(*resolver->Read(place), config);
  EXPECT_EQ(resolver->List()->size(), 1u);
  ASSERT_TRUE(resolver->Remove(place));
  EXPECT_FALSE(std::filesystem::exists("/etc/netns/blue/resolv.conf"));
  EXPECT_EQ(Effect(), before_);
}

}  // namespace
}  // namespace wgnet::testing
