// SPDX-License-Identifier: MIT OR Apache-2.0
// What takes a change back that nobody confirms, whatever becomes of who made it: the program
// itself, in another process, on this machine's kernel.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>
#include <thread>

#include "tests/support/kernel_state.h"
#include "tests/support/sandbox.h"
#include "tests/support/world.h"
#include "wgnet/session.h"

namespace wgnet::testing {
namespace {

using std::chrono::milliseconds;

// It needs no WireGuard.
Node WantedNode() { return Node().Add(NatRule::Masquerade().Source("10.1.0.0/16")); }

Result<Session> OpenSession(const std::string& state_dir, const std::string& guardian) {
  return Session::Open({.owner = "one", .state_dir = state_dir, .guardian = guardian});
}

bool HasTable() { return Shell("nft list tables").find("wgnet") != std::string::npos; }

double Now() {
  timespec time;
  clock_gettime(CLOCK_BOOTTIME, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// Whether `condition` holds within some seconds.
bool Within(double seconds, const std::function<bool()>& condition) {
  const double end = Now() + seconds;
  while (Now() < end) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return condition();
}

std::vector<int> Guardians(const std::string& state_dir) {
  std::istringstream pids(Shell("pgrep -f -- '[-]-state-dir " + state_dir + " guard' || true"));
  std::vector<int> found;
  for (int pid; pids >> pid;) found.push_back(pid);
  return found;
}

struct Issued {
  pid_t pid = 0;
  double deadline = 0;  // as Now; 0: the change was not made
};

// A process that makes the change, and then waits to be ended, or ends by itself.
Issued Issue(const ConfirmOptions& options, bool stays, const std::string& state_dir,
             const std::string& guardian = WGNET_COMMAND) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  const pid_t child = fork();
  if (child == 0) {
    auto session = OpenSession(state_dir, guardian);
    if (!session) _exit(1);
    const auto done = session->Apply(WantedNode(), options);
    if (!done) std::cerr << done.error() << "\n";
    if (!done || !done->pending) _exit(1);
    const double deadline = Now() + static_cast<double>(done->pending->left.count()) / 1000;
    if (write(ends[1], &deadline, sizeof deadline) != sizeof deadline) _exit(1);
    if (stays) pause();
    _exit(0);
  }
  close(ends[1]);
  Issued issued{.pid = child};
  if (read(ends[0], &issued.deadline, sizeof issued.deadline) < 0) issued.deadline = 0;
  close(ends[0]);
  if (!stays) waitpid(child, nullptr, 0);
  return issued;
}

void End(const Issued& issued) {
  kill(issued.pid, SIGKILL);
  waitpid(issued.pid, nullptr, 0);
}

std::string InSandbox(const std::function<std::string(const std::string& state_dir)>& body) {
  return InNewNamespace([&]() -> std::string {
    const TemporaryDirectory state;
    std::string wrong = body(state.path());
    Within(5, [&] { return Guardians(state.path()).empty(); });
    for (const int pid : Guardians(state.path())) {
      if (wrong.empty()) wrong = "a guardian is left";
      kill(pid, SIGKILL);
    }
    return wrong;
  });
}

// ---- the end of its time ----

std::string TakenBackInTime(const Issued& issued) {
  if (issued.deadline == 0) return "the change was not made";
  if (!HasTable()) return "it is taken back too early";
  if (!Within(10, [] { return !HasTable(); })) return "it is not taken back";
  const double late = Now() - issued.deadline;
  std::cout << fmt::format("taken back {:.0f} ms after its time\n", late * 1000);
  return late > -0.002 && late < 1 ? "" : fmt::format("{} s after its time", late);
}

const ConfirmOptions kShort{.within = milliseconds(700), .persist = true};

TEST(Guardian, TakesAChangeBackWhenItsProcessHasExited) {
  EXPECT_EQ(InSandbox([](const std::string& state_dir) {
              return TakenBackInTime(Issue(kShort, false, state_dir));
            }),
            "");
}

TEST(Guardian, TakesAChangeBackWhenItsProcessIsKilled) {
  EXPECT_EQ(InSandbox([](const std::string& state_dir) {
              const Issued issued = Issue(kShort, true, state_dir);
              End(issued);
              return TakenBackInTime(issued);
            }),
            "");
}

TEST(Guardian, TakesAChangeBackWhenItsProcessIsStopped) {
  EXPECT_EQ(InSandbox([](const std::string& state_dir) {
              const Issued issued = Issue(kShort, true, state_dir);
              kill(issued.pid, SIGSTOP);
              const std::string wrong = TakenBackInTime(issued);
              End(issued);
              return wrong;
            }),
            "");
}

// ---- the end of its process ----

TEST(Guardian, TakesAChangeBackAtOnceThatEndsWithItsProcess) {
  EXPECT_EQ(InSandbox([](const std::string& state_dir) -> std::string {
              const Issued issued = Issue({.within = std::chrono::minutes(5)}, true, state_dir);
              if (issued.deadline == 0) return "the change was not made";
              const double killed = Now();
              End(issued);
              if (!Within(10, [] { return !HasTable(); })) return "it is not taken back";
              std::cout << fmt::format("taken back {:.0f} ms after its process ended\n",
                                       (Now() - killed) * 1000);
              return "";
            }),
            "");
}

std::string KillGuardian(const std::string& state_dir) {
  const Issued issued = Issue(kShort, false, state_dir);
  const auto guardians = Guardians(state_dir);
  if (issued.deadline == 0 || guardians.size() != 1) return "nobody guards it";
  kill(guardians[0], SIGKILL);
  while (Now() < issued.deadline) std::this_thread::sleep_for(milliseconds(10));
  if (!HasTable()) return "who took it back?";
  auto session = OpenSession(state_dir, "");
  if (!session) return session.error().ToString();
  if (HasTable()) return "the next session did not take it back";
  const auto& cut_off = session->recovered().cut_off;
  return cut_off.size() == 1 && cut_off[0].unconfirmed ? "" : "not told";
}

TEST(Guardian, IsReplacedByTheNextSession) { EXPECT_EQ(InSandbox(KillGuardian), ""); }

std::string KillGuardianAndRecover(const std::string& state_dir) {
  const Issued issued = Issue(kShort, false, state_dir);
  for (const int pid : Guardians(state_dir)) kill(pid, SIGKILL);
  while (Now() < issued.deadline) std::this_thread::sleep_for(milliseconds(10));
  const std::string out = Shell(fmt::format("{} --state-dir {} recover", WGNET_COMMAND, state_dir));
  if (out.find("a change of one was not confirmed: 2 steps taken back") == out.npos) return out;
  return HasTable() ? "it is not taken back" : "";
}

TEST(Guardian, IsReplacedByRecover) { EXPECT_EQ(InSandbox(KillGuardianAndRecover), ""); }

// ---- without one ----

std::string RefuseWithout(const std::string& state_dir) {
  const std::string before = ReadKernelState();
  auto session = OpenSession(state_dir, "/nowhere/wgnet");
  if (!session) return session.error().ToString();
  const auto refused = session->Apply(WantedNode(), ConfirmOptions());
  if (refused || refused.error().code != ErrorCode::kNotSupported) return "it was not refused";
  if (refused.error().where != "guardian") return refused.error().ToString();
  const auto pending = session->Pending();
  if (!pending || *pending) return "something waits";
  return DifferenceOf(before, ReadKernelState());
}

TEST(Guardian, MustBeThereBeforeAnythingIsChanged) { EXPECT_EQ(InSandbox(RefuseWithout), ""); }

// A thread with a session of its own.
std::string GuardItself(const std::string& state_dir) {
  auto session = OpenSession(state_dir, "");
  if (!session) return session.error().ToString();
  const auto done = session->Apply(WantedNode(), ConfirmOptions{.within = milliseconds(500)});
  if (!done) return done.error().ToString();
  std::string wrong = "it did not run";
  std::thread guard([&] {
    auto own = OpenSession(state_dir, "");
    const auto report = own->Guard();
    wrong = report && report->rollback && report->rollback->complete() ? "" : "not taken back";
  });
  guard.join();
  return HasTable() ? "it is there" : wrong;
}

TEST(Guardian, MayBeACallOfTheEmbedder) { EXPECT_EQ(InSandbox(GuardItself), ""); }

// ---- a probe ----

std::string ConfirmByProbe(const std::string& state_dir) {
  auto session = OpenSession(state_dir, WGNET_COMMAND);
  if (!session) return session.error().ToString();
  const auto done = session->Apply(WantedNode(), ConfirmOptions());
  if (!done) return done.error().ToString();
  int asked = 0;
  const auto probe = [&]() -> Result<bool> { return ++asked == 3; };
  const auto without = session->ConfirmWhen(probe, {}, milliseconds(0));
  if (without || without.error().code != ErrorCode::kInvalidArgument || asked != 0) {
    return "an interval of 0 is taken";
  }
  const Error no{.code = ErrorCode::kVerify, .message = "no"};
  const auto failed = session->ConfirmWhen([&]() -> Result<bool> { return no; });
  if (failed || failed.error().code != ErrorCode::kVerify) return "the probe's error is lost";
  const auto pending = session->Pending();
  if (!pending || !*pending) return "it does not wait any more";
  const auto confirmed = session->ConfirmWhen(probe, {}, milliseconds(1));
  if (!confirmed) return confirmed.error().ToString();
  if (asked != 3) return fmt::format("asked {} times", asked);
  return HasTable() ? "" : "it is gone";
}

TEST(Probe, ConfirmsAChange) { EXPECT_EQ(InSandbox(ConfirmByProbe), ""); }

// ---- the command ----

std::string Call(const std::string& state_dir, const std::string& words) {
  return Shell(fmt::format("{} --state-dir {} {}", WGNET_COMMAND, state_dir, words));
}

std::string MakeByCommand(const std::string& state_dir, const std::string& options = "--confirm 60",
                          const Node& node = WantedNode()) {
  std::ofstream(state_dir + "/node.json") << node.ToJson();
  const std::string out = Call(state_dir, "apply " + options + " " + state_dir + "/node.json");
  const std::string before = "unless: wgnet confirm ";
  const size_t at = out.find(before);
  return at == out.npos ? "" : out.substr(at + before.size(), 16);
}

std::string ConfirmByCommand(const std::string& state_dir) {
  const std::string token = MakeByCommand(state_dir);
  if (token.empty() || Guardians(state_dir).size() != 1) return "it was not made";
  const std::string status = Call(state_dir, "status");
  if (status.find("waits to be confirmed") == status.npos) return status;
  if (status.find(token) != status.npos) return "the token is told";
  const std::string wrong = Call(state_dir, "confirm 0000");
  if (wrong.find("[status 1]") == wrong.npos) return wrong;
  if (const std::string more = Call(state_dir, "extend " + token + " 3600"); !more.empty())
    return more;
  const std::string done = Call(state_dir, "confirm " + token);
  if (done.find("confirmed") == done.npos) return done;
  return HasTable() ? "" : "it is gone";
}

std::string TakeBackByCommand(const std::string& state_dir) {
  const std::string token = MakeByCommand(state_dir);
  if (token.empty()) return "it was not made";
  const std::string done = Call(state_dir, "rollback " + token);
  if (done.find("was not confirmed: 2 steps taken back") == done.npos) return done;
  return HasTable() ? "it is there" : "";
}

// A public key may stand on the command line.
std::string RevokeByCommand(const std::string& state_dir) {
  const std::string key = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";
  const std::string other = "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw=";
  for (const std::string& options :
       {"--confirm 60 --revoke " + key, "--revoke=" + key + " --confirm 60",
        "--confirm 60 --revoke " + key + " --revoke " + other}) {
    const std::string token = MakeByCommand(state_dir, options);
    if (token.empty()) return options + " is refused";
    Call(state_dir, "rollback " + token);
  }
  return "";
}

// Whoever guarded it is gone.
std::string MakeUnguarded(const std::string& state_dir, const Node& node) {
  const std::string token = MakeByCommand(state_dir, "--confirm 2", node);
  for (const int pid : Guardians(state_dir)) kill(pid, SIGKILL);
  return token.empty() ? "it was not made" : "";
}

std::string TellsWhatIsLeft(const std::string& told) {
  const bool both = told.find("\n  left: ") != told.npos && told.find("[status 3]") != told.npos;
  return both ? "" : told;
}

std::string RecoverWithLeftovers(const std::string& state_dir) {
  if (const std::string wrong = MakeUnguarded(state_dir, WantedNode()); !wrong.empty())
    return wrong;
  Shell("find " + state_dir + " -name '*.pending' -exec truncate -s 20 {} +");
  return TellsWhatIsLeft(Call(state_dir, "recover"));
}

// Somebody else's route stands where one was.
std::string GuardWithLeftovers(const std::string& state_dir) {
  MakeUplink("eth0", "192.168.5.1/24");
  std::ofstream(state_dir + "/node.json")
      << Node().Add(PolicyRoute::ForPrefix("10.8.0.0/16", "eth0")).ToJson();
  std::string wrong = Call(state_dir, "apply " + state_dir + "/node.json >" + state_dir + "/out");
  if (wrong.empty()) wrong = MakeUnguarded(state_dir, Node());
  if (wrong.empty()) wrong = Shell("ip route add 10.8.0.0/16 dev eth0 table 52820");
  return wrong.empty() ? TellsWhatIsLeft(Call(state_dir, "guard")) : wrong;
}

TEST(ConfirmCommand, KeepsAChange) { EXPECT_EQ(InSandbox(ConfirmByCommand), ""); }

TEST(ConfirmCommand, TakesAChangeBack) { EXPECT_EQ(InSandbox(TakeBackByCommand), ""); }

TEST(ConfirmCommand, TakesKeysToRevoke) { EXPECT_EQ(InSandbox(RevokeByCommand), ""); }

TEST(RecoverCommand, FailsWhenSomethingIsLeft) { EXPECT_EQ(InSandbox(RecoverWithLeftovers), ""); }

TEST(GuardCommand, FailsWhenSomethingIsLeft) { EXPECT_EQ(InSandbox(GuardWithLeftovers), ""); }

}  // namespace
}  // namespace wgnet::testing
