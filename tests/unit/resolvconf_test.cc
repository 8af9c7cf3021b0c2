// SPDX-License-Identifier: MIT OR Apache-2.0
// Where the programs called resolvconf keep records: each in a mount namespace of its own.
#include "src/dns/resolvconf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/sandbox.h"

namespace wgnet::dns {
namespace {

using testing::InNewNamespace;

constexpr char kLabel[] = "tun.wg0.wgnet";

// A machine on which records are in this folder.
std::string HideMachine(const std::string& records) {
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("tmpfs", "/run", "tmpfs", 0, nullptr) != 0) {
    return "no mount namespace";
  }
  std::filesystem::create_directories("/run/bin");
  std::filesystem::create_symlink("/bin/true", "/run/bin/resolvconf");
  setenv("PATH", "/run/bin", 1);
  std::filesystem::create_directories(records);
  std::ofstream(records + "/" + kLabel) << "nameserver 10.8.0.1\nsearch corp.example\n";
  std::ofstream(records + "/eth0.dhcp") << "nameserver 192.0.2.53\n";
  return "";
}

// What a record says, and which there are of wgnet's.
std::string Found(const std::string& records, bool is_exclusive) {
  return InNewNamespace([&]() -> std::string {
    if (const std::string wrong = HideMachine(records); !wrong.empty()) return wrong;
    if (is_exclusive) {
      std::filesystem::create_directories("/run/resolvconf/exclusive");
      std::ofstream("/run/resolvconf/exclusive/9999 " + std::string(kLabel)) << " \n";
    }
    const Resolvconf resolvconf(SystemProcessRunner());
    const auto config = resolvconf.Read(kLabel);
    if (!config) return config.error().ToString();
    std::string found = *config ? (*config)->servers.at(0).ToString() : "none";
    if (*config) found += " " + (*config)->domains.at(0).ToString();
    if (*config && (*config)->exclusive) found += (*config)->exclusive.value() ? " x" : " -";
    for (const std::string& label : resolvconf.List()) found += " " + label;
    return found;
  });
}

TEST(ResolvconfTest, FindsTheRecordsOfEachProgram) {
  const std::string found = "10.8.0.1 corp.example";
  EXPECT_EQ(Found("/run/resolvconf/keys", true), found + " x tun.wg0.wgnet");
  EXPECT_EQ(Found("/run/resolvconf/keys", false), found + " - tun.wg0.wgnet");
  EXPECT_EQ(Found("/run/resolvconf/interfaces", true), found + " x tun.wg0.wgnet");
  EXPECT_EQ(Found("/run/resolvconf/interface", false), found + " tun.wg0.wgnet");
  EXPECT_EQ(Found("/run/resolvconf/elsewhere", false), "none");
}

}  // namespace
}  // namespace wgnet::dns
