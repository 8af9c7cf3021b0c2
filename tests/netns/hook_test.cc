// SPDX-License-Identifier: MIT OR Apache-2.0
// Hooks run at their time and in the namespace, and one that fails takes everything back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "tests/support/kernel_state.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

using ::testing::HasSubstr;

Node SmallNode() {
  return Node().Add(Interface("wg0").ListenPort(51820).Address("10.9.0.1/32").Mtu(1420));
}

// Notes what of wg0 is there when the hook runs.
std::string Note(const std::string& log, const std::string& name) {
  return "{ echo -n '" + name +
         ":'; ip -o link show dev wg0 >/dev/null 2>&1 && echo -n ' link'; ip -o address show dev "
         "wg0 2>/dev/null | grep -q 10.9.0.1 && echo -n ' address'; echo; } >>" +
         log;
}

class HookTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string path = ::testing::TempDir() + "wgnet-hook-XXXXXX";
    const int fd = mkstemp(path.data());
    ASSERT_GE(fd, 0);
    close(fd);
    log_ = path;
  }
  void TearDown() override { unlink(log_.c_str()); }

  std::string Log() const {
    std::ostringstream text;
    text << std::ifstream(log_).rdbuf();
    return text.str();
  }
  Hooks AllHooks() const {
    const auto set_e = "set +e; ";
    return {.pre_up = {set_e + Note(log_, "pre-up"), set_e + Note(log_, "second")},
            .post_up = {set_e + Note(log_, "post-up")},
            .pre_down = {set_e + Note(log_, "pre-down")},
            .post_down = {set_e + Note(log_, "post-down")}};
  }

  std::string log_;
};

TEST_F(HookTest, EachRunsAtItsTime) {
  const std::string told = InNewNamespace([&]() -> std::string {
    const TemporaryDirectory state;
    Host host("owner", state.path());
    for (const Node& node : {SmallNode(), SmallNode(), Node()}) {
      if (const Status done = host.Apply(node, AllHooks()); !done) return done.error().ToString();
    }
    return "";
  });
  EXPECT_EQ(told, "");
  EXPECT_EQ(Log(),
            "pre-up: link\nsecond: link\npost-up: link address\npre-down: link address\n"
            "post-down:\n");
}

// `down` finds them, and would take them away with the link.
TEST_F(HookTest, MayRemoveWhatTheyHaveMade) {
  const Hooks hooks = {
      .post_up = {"ip route add 10.99.0.0/16 dev wg0", "ip address add 10.98.0.1/24 dev wg0"},
      .pre_down = {"ip route del 10.99.0.0/16 dev wg0", "ip address del 10.98.0.1/24 dev wg0"}};
  const std::string told = InNewNamespace([&]() -> std::string {
    const TemporaryDirectory state;
    Host host("owner", state.path());
    const std::string before = host.State();
    for (const Node& node : {SmallNode(), Node()}) {
      if (const Status done = host.Apply(node, hooks); !done) return done.error().ToString();
    }
    return DifferenceOf(before, host.State());
  });
  EXPECT_EQ(told, "");
}

// What the embedder does itself comes between PreDown and the removal, on the caller's thread.
TEST_F(HookTest, AnActionComesBeforeRemoval) {
  Hooks hooks = AllHooks();
  const auto thread = std::this_thread::get_id();
  hooks.before_removal = {"save", [&]() -> Status {
                            std::ofstream(log_, std::ios::app)
                                << "save" << (std::this_thread::get_id() == thread ? "\n" : "?");
                            return {};
                          }};
  const std::string told = InNewNamespace([&]() -> std::string {
    const TemporaryDirectory state;
    Host host("owner", state.path());
    for (const Node& node : {SmallNode(), SmallNode(), Node()}) {
      if (const Status done = host.Apply(node, hooks); !done) return done.error().ToString();
    }
    return "";
  });
  EXPECT_EQ(told, "");
  EXPECT_THAT(Log(), HasSubstr("pre-down: link address\nsave\npost-down:\n"));
}

TEST_F(HookTest, AnActionThatFailsTakesEverythingBack) {
  const std::string told = InNewNamespace([&]() -> std::string {
    const TemporaryDirectory state;
    Host host("owner", state.path());
    if (const Status up = host.Apply(SmallNode()); !up) return up.error().ToString();
    const std::string before = host.State();
    Hooks hooks;
    hooks.before_removal = {
        "save", [] { return Status(Error{.code = ErrorCode::kIo, .message = "disk full"}); }};
    hooks.post_down = {Note(log_, "post-down")};
    const Status done = host.Apply(Node(), hooks);
    if (done) return "it succeeded";
    if (done.error().code != ErrorCode::kIo) return done.error().ToString();
    return DifferenceOf(before, host.State());
  });
  EXPECT_EQ(told, "");
  EXPECT_EQ(Log(), "");
}

struct Failure {
  std::string name;
  Hooks hooks;
  bool down;  // of the node that is up, else of one that comes up
  std::string message;
};

std::string Fail(const Failure& failure) {
  const TemporaryDirectory state;
  Host host("owner", state.path());
  if (failure.down) {
    if (const Status up = host.Apply(SmallNode()); !up) return up.error().ToString();
  }
  const std::string before = host.State();
  const Status done = host.Apply(failure.down ? Node() : SmallNode(), failure.hooks);
  if (done) return "it succeeded";
  const Error& error = done.error();
  const bool complete = !error.rollback || error.rollback->complete();
  if (error.code != ErrorCode::kHook || !complete) return error.ToString();
  const std::string difference = DifferenceOf(before, host.State());
  return difference.empty() ? error.message : "left:\n" + difference;
}

TEST_F(HookTest, OneThatFailsTakesEverythingBack) {
  const Failure kFailures[] = {
      {"the second", {.pre_up = {"true", "exit 3", "true"}}, false, "ended with status 3"},
      {"a command in it", {.post_up = {"false; true"}}, false, "ended with status 1"},
      {"a pipe", {.post_up = {"false | true"}}, false, "ended with status 1"},
      {"a signal", {.post_up = {"kill -9 $$"}}, false, "ended with status 137"},
      {"no command", {.post_up = {"not-a-command 2>/dev/null"}}, false, "ended with status 127"},
      {"before it goes", {.pre_down = {"exit 4"}}, true, "ended with status 4"},
      {"when it is gone", {.post_down = {"exit 5"}}, true, "ended with status 5"},
  };
  for (const Failure& failure : kFailures) {
    const std::string told = InNewNamespace([&] { return Fail(failure); });
    EXPECT_THAT(told, HasSubstr(failure.message)) << failure.name;
  }
}

// The table goes last, behind the links; it must not be the ruleset's new generation that keeps it.
TEST_F(HookTest, MayChangeTheRuleset) {
  const Hooks hooks = {.post_up = {"nft add table ip theirs"},
                       .pre_down = {"nft delete table ip theirs"}};
  const Node node = SmallNode().Add(NatRule::Masquerade().Source("10.9.0.0/24"));
  const std::string told = InNewNamespace([&]() -> std::string {
    const TemporaryDirectory state;
    Host host("owner", state.path());
    const std::string before = host.State();
    for (const Node& each : {node, Node()}) {
      if (const Status done = host.Apply(each, hooks); !done) return done.error().ToString();
    }
    return DifferenceOf(before, host.State());
  });
  EXPECT_EQ(told, "");
}

// Where the kernel's answer would else have the plan made again.
TEST_F(HookTest, RunsOnce) {
  const Hooks hooks = {.pre_down = {"echo pre-down >>" + log_}};
  const Node node = SmallNode().Add(NatRule::Masquerade().Source("10.9.0.0/24"));
  const std::string told = InNewNamespace([&]() -> std::string {
    const TemporaryDirectory state;
    Host host("owner", state.path());
    if (const Status done = host.Apply(node); !done) return Text(done);
    for (size_t message = 1;; ++message) {
      host.transport().Arm({.message = message, .error = ERESTART});
      const Status done = host.Apply({}, hooks);
      if (!host.transport().fired()) return Text(done);
      if (done) return "it was tried again";
    }
  });
  EXPECT_EQ(told, "");
}

}  // namespace
}  // namespace wgnet::testing
