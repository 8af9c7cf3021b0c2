// SPDX-License-Identifier: MIT OR Apache-2.0
// How a guardian is started: as a unit where systemd(1) runs, and by itself elsewhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "src/netlink/kernel_transport.h"
#include "src/plan/guardian.h"
#include "tests/support/sandbox.h"

namespace wgnet::testing {
namespace {

using ::testing::ElementsAre;

class Recorder final : public ProcessRunner {
 public:
  explicit Recorder(std::vector<int> results) : results_(std::move(results)) {}
  int Run(const Process& process) override {
    calls.push_back(process.arguments);
    return results_.at(calls.size() - 1);
  }
  std::vector<std::vector<std::string>> calls;

 private:
  std::vector<int> results_;
};

const plan::Guardian kGuardian{.program = "/usr/bin/wgnet",
                               .netns = "blue",
                               .state_dir = "/run/wgnet",
                               .unit = plan::GuardianUnit::kService};

// Empty, or what is wrong; `status` is what starting it returned.
std::string StartWith(const std::shared_ptr<Recorder>& recorder, const plan::Guardian& guardian,
                      Status& status) {
  auto netns = netlink::NetworkNamespace::Open("");
  auto transport = netlink::KernelTransport::Open(*std::move(netns), recorder, nullptr);
  if (!transport) return transport.error().ToString();
  status = plan::Start(guardian, **transport);
  return "";
}

// In a mount namespace where systemd runs, or does not.
template <class Body>
std::string WithSystemd(bool runs, const Body& body) {
  return InNewNamespace([&]() -> std::string {
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", "", MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("run", "/run", "tmpfs", 0, nullptr) != 0) {
      return "no mount namespace";
    }
    if (runs) std::filesystem::create_directories("/run/systemd/system");
    body();
    return ::testing::Test::HasFailure() ? "see above" : "";
  });
}

const std::vector<std::string> kCommand = {
    "/usr/bin/wgnet", "--state-dir", "/run/wgnet", "--netns", "blue", "guard", "--background"};

// systemd-run(1) is called once, with this option, and runs the guardian.
std::string StartsAsUnit(const plan::Guardian& guardian, const char* option) {
  return WithSystemd(true, [&] {
    const auto recorder = std::make_shared<Recorder>(std::vector<int>{0});
    Status status;
    EXPECT_EQ(StartWith(recorder, guardian, status), "");
    EXPECT_TRUE(status);
    ASSERT_EQ(recorder->calls.size(), 1u);
    const auto& call = recorder->calls[0];
    EXPECT_EQ(call[0], "systemd-run");
    EXPECT_THAT(call, ::testing::Contains(option));
    EXPECT_TRUE(std::equal(kCommand.rbegin(), kCommand.rend(), call.rbegin()));
  });
}

TEST(StartGuardian, AsATransientUnitWhereSystemdRuns) {
  EXPECT_EQ(StartsAsUnit(kGuardian, "--service-type=forking"), "");
}

// It would not see what the caller sees.
TEST(StartGuardian, AsAScopeWhereAServiceWouldBeInOtherNamespaces) {
  plan::Guardian elsewhere = kGuardian;
  elsewhere.unit = plan::GuardianUnit::kScope;
  EXPECT_EQ(StartsAsUnit(elsewhere, "--scope"), "");
}

TEST(StartGuardian, ByItselfWhereNoUnitCanBeMade) {
  EXPECT_EQ(WithSystemd(true,
                        [] {
                          const auto recorder = std::make_shared<Recorder>(std::vector<int>{1, 0});
                          Status status;
                          EXPECT_EQ(StartWith(recorder, kGuardian, status), "");
                          EXPECT_TRUE(status);
                          ASSERT_EQ(recorder->calls.size(), 2u);
                          EXPECT_EQ(recorder->calls[1], kCommand);
                        }),
            "");
}

TEST(StartGuardian, ByItselfWithoutSystemdOrInOtherNamespaces) {
  plan::Guardian elsewhere = kGuardian;
  elsewhere.unit = plan::GuardianUnit::kNone;
  for (const bool runs : {false, true}) {
    EXPECT_EQ(WithSystemd(runs,
                          [&] {
                            const auto recorder = std::make_shared<Recorder>(std::vector<int>{0});
                            Status status;
                            EXPECT_EQ(StartWith(recorder, runs ? elsewhere : kGuardian, status),
                                      "");
                            EXPECT_TRUE(status);
                            EXPECT_THAT(recorder->calls, ElementsAre(kCommand));
                          }),
              "");
  }
}

TEST(StartGuardian, OrSaysWhyNot) {
  EXPECT_EQ(WithSystemd(false,
                        [] {
                          const auto recorder =
                              std::make_shared<Recorder>(std::vector<int>{-ENOENT});
                          Status status;
                          EXPECT_EQ(StartWith(recorder, kGuardian, status), "");
                          ASSERT_FALSE(status);
                          EXPECT_EQ(status.error().code, ErrorCode::kNotSupported);
                          EXPECT_EQ(status.error().where, "guardian");
                          EXPECT_THAT(status.error().message,
                                      ::testing::HasSubstr("No such file or directory"));
                        }),
            "");
}

}  // namespace
}  // namespace wgnet::testing
