// SPDX-License-Identifier: MIT OR Apache-2.0
// What goes wrong while a plan is carried out, and does not stop it, is told by the command.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/sandbox.h"
#include "tests/support/userspace_world.h"
#include "wgnet/node.h"

namespace wgnet::testing {
namespace {

constexpr char kWarning[] = "wgnet: warning: resolvconf failed for ";

// The resolver refuses name servers that are not required.
std::string ApplyTwice() {
  const TemporaryDirectory directory;
  const std::string program = directory.path() + "/resolvconf";
  const std::string document = directory.path() + "/node.json";
  std::ofstream(program) << "#!/bin/sh\nexit 1\n";
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  const Dns dns = Dns("wg0").Server("10.8.0.1").Backend(DnsBackend::kResolvconf).Required(false);
  std::ofstream(document) << Node().Add(Interface("wg0").Address("10.8.0.2/24")).Add(dns).ToJson();
  std::string wrong;
  for (const char* option : {"", "--json"}) {
    const std::string told = Shell(fmt::format("PATH={}:$PATH {} {} apply {}", directory.path(),
                                               WGNET_COMMAND, option, document));
    const bool once =
        told.find(kWarning) != told.npos && told.find(kWarning) == told.rfind(kWarning);
    if (!once || told.find("[status") != told.npos) wrong += told;
  }
  return wrong;
}

TEST(WarningTest, OfWhatWasNotPlannedIsTold) { EXPECT_EQ(InUserspaceWorld(ApplyTwice), ""); }

}  // namespace
}  // namespace wgnet::testing
