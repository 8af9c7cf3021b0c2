// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/dns/choose.h"

#include <gtest/gtest.h>

namespace wgnet::dns {
namespace {

using File = Facts::File;
using Program = ResolvconfProgram;

constexpr ResolvedState kNoResolved{.is_built_in = true};
constexpr ResolvedState kResolved{true, true, true};
constexpr ResolvedState kElsewhere{true, true, false};

struct Case {
  std::string name;
  Facts facts;
  std::string chosen;  // or a part of the error
};

Facts Here(ResolvedState resolved, Program program, File file, bool switch_asks = false) {
  return {.resolved = resolved,
          .resolvconf = program,
          .file = file,
          .keeper = "/run/x/resolv.conf",
          .switch_asks_resolved = switch_asks};
}

TEST(DnsChooseTest, TellsWhoKeepsTheFileOrIsAsked) {
  const Case kCases[] = {
      {"resolved keeps it", Here(kResolved, Program::kNone, File::kResolved), "resolved"},
      {"resolved keeps it, and openresolv is there",
       Here(kResolved, Program::kOther, File::kResolved), "resolved"},
      {"resolved's resolvconf", Here(kResolved, Program::kResolvectl, File::kPlain), "resolved"},
      {"nsswitch asks resolved", Here(kResolved, Program::kNone, File::kPlain, true), "resolved"},
      {"resolved runs, and nobody asks it", Here(kResolved, Program::kNone, File::kPlain), "file"},
      {"resolved of another namespace", Here(kElsewhere, Program::kNone, File::kPlain, true),
       "file"},
      {"resolved of another namespace keeps it", Here(kElsewhere, Program::kNone, File::kResolved),
       "another network namespace"},
      {"resolved keeps it, and is down", Here(kNoResolved, Program::kNone, File::kResolved),
       "does not answer"},
      {"resolved is down, and openresolv is there",
       Here(kNoResolved, Program::kOther, File::kResolved), "resolvconf"},
      {"resolved is not built in", Here({}, Program::kNone, File::kResolved), "does not know"},
      {"openresolv", Here(kNoResolved, Program::kOther, File::kPlain), "resolvconf"},
      {"Debian's resolvconf", Here(kNoResolved, Program::kOther, File::kResolvconf), "resolvconf"},
      {"openresolv over a file of NetworkManager", Here(kNoResolved, Program::kOther, File::kOther),
       "resolvconf"},
      {"resolvconf keeps it, and is gone", Here(kNoResolved, Program::kNone, File::kResolvconf),
       "not in PATH"},
      {"a container", Here(kNoResolved, Program::kOther, File::kMounted), "file"},
      {"a plain file", Here(kNoResolved, Program::kNone, File::kPlain), "file"},
      {"no file", Here(kNoResolved, Program::kNone, File::kMissing), "file"},
      {"another program", Here(kNoResolved, Program::kNone, File::kOther), "/run/x/resolv.conf"},
      {"a named namespace from outside", {.is_own_namespace = false, .netns_name = "blue"}, "file"},
      {"one without a name", {.is_own_namespace = false}, "without a name"},
  };
  for (const auto& [name, facts, chosen] : kCases) {
    const auto backend = Choose(std::nullopt, facts);
    if (backend) {
      EXPECT_EQ(DnsBackendName(*backend), chosen) << name;
    } else {
      EXPECT_NE(backend.error().message.find(chosen), std::string::npos)
          << name << ": " << backend.error();
      EXPECT_EQ(backend.error().code, ErrorCode::kNotSupported);
      EXPECT_FALSE(backend.error().hint.empty());
    }
  }
}

TEST(DnsChooseTest, WhatIsAskedForHasToBeThere) {
  const struct {
    DnsBackend wanted;
    Facts facts;
    std::string missing;  // "": it is there
  } kCases[] = {
      {DnsBackend::kFile, Here(kResolved, Program::kOther, File::kResolved), ""},
      {DnsBackend::kResolvconf, Here(kResolved, Program::kOther, File::kResolved), ""},
      {DnsBackend::kResolved, Here(kResolved, Program::kOther, File::kPlain), ""},
      {DnsBackend::kResolved, Here(kNoResolved, Program::kOther, File::kPlain), "does not answer"},
      {DnsBackend::kResolved, Here(kElsewhere, Program::kOther, File::kPlain), "another network"},
      {DnsBackend::kResolved, Here({}, Program::kOther, File::kPlain), "does not know"},
      {DnsBackend::kResolvconf, Here(kResolved, Program::kNone, File::kPlain), "no resolvconf"},
      {DnsBackend::kResolved, {.is_own_namespace = false, .netns_name = "x"}, "another namespace"},
      {DnsBackend::kFile, {.is_own_namespace = false, .netns_name = "x"}, ""},
      {DnsBackend::kFile, {.is_own_namespace = false}, "without a name"},
  };
  for (const auto& [wanted, facts, missing] : kCases) {
    const auto backend = Choose(wanted, facts);
    ASSERT_EQ(backend.ok(), missing.empty()) << missing;
    if (backend) {
      EXPECT_EQ(*backend, wanted);
    } else {
      EXPECT_NE(backend.error().message.find(missing), std::string::npos) << backend.error();
    }
  }
}

TEST(DnsChooseTest, KnowsWhoKeepsAFile) {
  const struct {
    std::string target;
    std::string text;
    File file;
  } kCases[] = {
      {"", "nameserver 192.0.2.1\n", File::kPlain},
      {"", "", File::kPlain},
      {"", "nameserver 127.0.0.53\noptions edns0\n", File::kResolved},
      {"", "nameserver 127.0.0.53\nnameserver 192.0.2.1\n", File::kPlain},
      {"/run/systemd/resolve/stub-resolv.conf", "", File::kResolved},
      {"/run/systemd/resolve/resolv.conf", "nameserver 192.0.2.1\n", File::kResolved},
      {"/usr/lib/systemd/resolv.conf", "", File::kResolved},
      {"/run/resolvconf/resolv.conf", "", File::kResolvconf},
      {"/etc/resolvconf/run/resolv.conf", "", File::kResolvconf},
      {"/run/NetworkManager/resolv.conf", "nameserver 192.0.2.1\n", File::kOther},
      {"/var/run/connman/resolv.conf", "", File::kOther},
      {"/etc/resolv.conf.static", "nameserver 192.0.2.1\n", File::kPlain},
  };
  for (const auto& [target, text, file] : kCases) EXPECT_EQ(FileOf(target, text), file) << target;
}

TEST(DnsChooseTest, ReadsTheNameServiceSwitch) {
  EXPECT_TRUE(AsksResolved("passwd: files\nhosts:\tfiles resolve [!UNAVAIL=return] dns\n"));
  EXPECT_TRUE(AsksResolved("hosts: resolve"));
  EXPECT_FALSE(AsksResolved("hosts: files dns # resolve\n"));
  EXPECT_FALSE(AsksResolved("networks: resolve\nhosts: files dns\n"));
  EXPECT_FALSE(AsksResolved("hosts: files myresolve dns\n"));
  EXPECT_FALSE(AsksResolved(""));
}

TEST(DnsChooseTest, FindsThePrefixOfRecords) {
  EXPECT_EQ(PrefixFrom("# interface-order(5)\nlo.inet6\nlo\ntun*\ntap*\n"), "tun.");
  EXPECT_EQ(PrefixFrom("lo.@(dnsmasq|pdnsd)\nem+([0-9])?*\nhso*"), "hso.");
  EXPECT_EQ(PrefixFrom("*\nlo\n"), "");
  EXPECT_EQ(PrefixFrom(""), "");
}

}  // namespace
}  // namespace wgnet::dns
