// SPDX-License-Identifier: MIT OR Apache-2.0
// A kernel without WireGuard. The one in the guest has it, so this is for the host's.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/kernel_state.h"
#include "tests/support/userspace_world.h"
#include "tests/support/world.h"
#include "wgnet/session.h"

namespace wgnet::testing {
namespace {

// Neither the kernel's nor a program: none is named, or there is no program of that name.
std::string ApplyWithoutModule(const Node& node, const std::string& program) {
  const TemporaryDirectory directory;
  MakeUplink("eth0", "192.168.5.1/24");
  Host watcher("watcher", directory.path() + "/other");
  const std::string before = watcher.State();
  auto session = Session::Open(
      {.owner = "owner", .state_dir = directory.path(), .userspace_implementation = program});
  if (!session) return session.error().ToString();
  const auto report = session->Apply(node);
  if (report) return "this kernel has WireGuard";
  const Error& error = report.error();
  if (error.code != ErrorCode::kModuleMissing) return "another code: " + error.ToString();
  if (error.message.find("no WireGuard") == std::string::npos ||
      error.hint.find("modprobe wireguard") == std::string::npos ||
      error.hint.find("wireguard-go") == std::string::npos) {
    return "it does not say what to do: " + error.ToString();
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory.path())) {
    if (entry.path().extension() == ".record") return "there is a record";
  }
  return DifferenceOf(before, watcher.State());
}

TEST(NoWireguard, IsSaidBeforeAnythingIsDone) {
  for (const Node& node : {ServerNode(), ClientNode(), LargeNode()}) {
    for (const std::string program : {"", "no-such-program", "/no/such/program"}) {
      EXPECT_EQ(InUserspaceWorld([&] { return ApplyWithoutModule(node, program); }), "");
    }
  }
}

}  // namespace
}  // namespace wgnet::testing
