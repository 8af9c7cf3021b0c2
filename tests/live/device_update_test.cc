// SPDX-License-Identifier: MIT OR Apache-2.0
// An update of one device, whoever's it is: no record changes, no lock is waited for, the same
// update again sends nothing, and where a message fails everything is as before.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/support/hub_update.h"
#include "tests/support/kernel_state.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

std::map<std::string, std::string> RecordsIn(const std::string& directory) {
  std::map<std::string, std::string> records;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file() || entry.path().filename() == "lock") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    records[entry.path()].assign(std::istreambuf_iterator<char>(in), {});
  }
  return records;
}

// A world in which the hub is an owner's.
struct World {
  World() : host(MakeHost(state.path())), status(host.Apply(LargeNode())) {}
  static Host MakeHost(const std::string& directory) {
    MakeUplink("eth0", "192.168.5.1/24");
    return Host("owner", directory);
  }
  TemporaryDirectory state;
  Host host;
  Status status;
};

std::string UpdateTwice() {
  World world;
  if (!world.status) return world.status.error().ToString();
  const auto records = RecordsIn(world.state.path());
  const auto state_dir = plan::StateDir::Open(world.state.path(), "test");
  const auto lock = state_dir->Lock(std::chrono::seconds(1));
  if (!lock) return lock.error().ToString();
  Host& host = world.host;
  const std::string before = host.State();
  if (Status done = UpdateHub(host); !done) return done.error().ToString();
  std::string complaint;
  if (RecordsIn(world.state.path()) != records) complaint += "a record changed\n";
  const std::string after = host.State();
  if (after == before) complaint += "nothing changed\n";
  host.transport().Arm({});
  if (Status done = UpdateHub(host); !done) return done.error().ToString();
  if (host.transport().messages() != 0) {
    complaint += fmt::format("{} messages were sent\n", host.transport().messages());
  }
  return complaint + DifferenceOf(after, host.State());
}

TEST(DeviceUpdate, WaitsForNoLockChangesNoRecordAndIsDoneOnce) {
  EXPECT_EQ(InNewNamespace(UpdateTwice), "");
}

std::string FailEach() {
  World world;
  if (!world.status) return world.status.error().ToString();
  Host& host = world.host;
  const std::string before = host.State();
  for (size_t message = 1;; ++message) {
    host.transport().Arm({.message = message, .error = ENOMEM});
    const Status done = UpdateHub(host);
    if (!host.transport().fired()) return message > 3 ? "" : "too few messages were sent";
    if (done) return fmt::format("message {} failed, and nobody noticed", message);
    if (!done.error().rollback || !done.error().rollback->complete()) {
      return fmt::format("message {}: {}", message, done.error().ToString());
    }
    host.transport().Arm({});
    if (const auto left = DifferenceOf(before, host.State()); !left.empty()) return left;
  }
}

TEST(DeviceUpdate, LeavesNothingWhereAMessageFails) { EXPECT_EQ(InNewNamespace(FailEach), ""); }

}  // namespace
}  // namespace wgnet::testing
