// SPDX-License-Identifier: MIT OR Apache-2.0
// WireGuard by wireguard-go, on a kernel that has none.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>

#include "src/base/try.h"
#include "src/netlink/kernel_transport.h"
#include "src/wireguard/userspace_transport.h"
#include "tests/support/fake_uapi.h"
#include "tests/support/kernel_state.h"
#include "tests/support/scenario.h"
#include "tests/support/userspace_world.h"
#include "tests/support/world.h"
#include "wgnet/session.h"

namespace wgnet::testing {
namespace {

// Everything that a transaction touches, once it moves no more.
std::string StateNow() {
  std::string state;
  for (int attempt = 0; attempt < 400; ++attempt) {
    std::string again = ReadKernelState() + Shell("wg show all dump | cut -f 1-5,9 | sort") +
                        Shell("ls /run/wireguard 2>/dev/null; true");
    if (again == state && !HasTentativeAddress()) break;
    state = std::move(again);
    usleep(5000);
  }
  return state;
}

// An owner's planner, on wireguard-go and a transport that can fail.
class UserspaceHost {
 public:
  explicit UserspaceHost(const std::string& state_dir) {
    auto kernel = *netlink::KernelTransport::Open(
        *netlink::NetworkNamespace::Open(""), SystemProcessRunner(),
        std::make_unique<FakeDns>(std::make_shared<FakeDns::Memory>()));
    const auto& inside = kernel->netns();
    auto faulty = std::make_unique<FaultTransport>(
        std::make_unique<wireguard::UserspaceTransport>(std::move(kernel), inside, "wireguard-go"));
    transport_ = faulty.get();
    planner_ = std::make_unique<plan::Planner>("owner", std::move(faulty),
                                               *plan::StateDir::Open(state_dir, "test"),
                                               std::chrono::seconds(1));
  }

  FaultTransport& transport() { return *transport_; }
  Status Apply(const Node& node, const Hooks& hooks = {}) {
    WGNET_RETURN_IF_ERROR(node.Check());
    WGNET_ASSIGN_OR_RETURN(const auto hosts, plan::ResolveHosts(node, {}));
    WGNET_ASSIGN_OR_RETURN(const auto done, planner_->Apply(node, hosts, hooks));
    steps_ = done.steps;
    return {};
  }
  size_t steps() const { return steps_; }

 private:
  FaultTransport* transport_;
  std::unique_ptr<plan::Planner> planner_;
  size_t steps_ = 0;
};

Result<Session> OpenSession(const std::string& directory,
                            const std::string& program = "wireguard-go") {
  return Session::Open(
      {.owner = "owner", .state_dir = directory, .userspace_implementation = program});
}

// Its files are closed when the last of its threads is a zombie.
bool IsRunning(int process) {
  const std::string tasks = "/proc/" + std::to_string(process) + "/task";
  return Shell("cat " + tasks + "/*/stat 2>/dev/null | grep -vc ') Z'; true") != "0\n";
}

bool Kill(const std::string& interface) {
  const int program = ProgramOf(interface);
  if (program == 0 || kill(program, SIGKILL) != 0) return false;
  for (int i = 0; i < 5000 && IsRunning(program); ++i) usleep(1000);
  return !IsRunning(program);
}

std::string Contains(const std::string& text, const std::string& wanted) {
  return text.find(wanted) != std::string::npos ? "" : "no \"" + wanted + "\" in: " + text;
}

#define RETURN_IF_FAILED(expression)              \
  if (const auto& failed = (expression); !failed) \
  return #expression ": " + failed.error().ToString()
#define RETURN_UNLESS(condition) \
  if (!(condition)) return std::string("not so: " #condition)
#define RETURN_TEXT(expression) \
  if (std::string text = (expression); !text.empty()) return text

// ---- up, change, again, down ----

std::string UpChangeDown(const Node& first, const Node& second) {
  const TemporaryDirectory directory;
  MakeUplink("eth0", "192.168.5.1/24");
  UserspaceHost host(directory.path());
  const std::string before = StateNow();
  for (const Node* node : {&first, &second}) {
    RETURN_IF_FAILED(host.Apply(*node));
    RETURN_UNLESS(host.steps() > 0);
    const std::string up = StateNow();
    host.transport().Arm({});
    RETURN_IF_FAILED(host.Apply(*node));
    RETURN_UNLESS(host.steps() == 0 && host.transport().messages() == 0);
    RETURN_TEXT(DifferenceOf(up, StateNow()));
  }
  RETURN_IF_FAILED(host.Apply(Node()));
  return DifferenceOf(before, StateNow());
}

TEST(Userspace, ComesUpChangesAndGoes) {
  EXPECT_EQ(InUserspaceWorld([] { return UpChangeDown(ServerNode(), ClientNode()); }), "");
  EXPECT_EQ(InUserspaceWorld([] { return UpChangeDown(LargeNode(), ChangedNode()); }), "");
  EXPECT_EQ(InUserspaceWorld([] { return UpChangeDown(KeyNode("a", "b"), KeyNode("b", "a")); }),
            "");
}

// ---- what a hook sets ----

std::string SetByHook(bool before_the_device) {
  const TemporaryDirectory directory;
  UserspaceHost host(directory.path());
  const std::string peer = TestKey("peer").Public().ToString();
  const std::string key = directory.path() + "/key";
  std::ofstream(key) << TestKey("hook").Clamped().Reveal();
  const std::string device = "wg set wg0 private-key " + key + " fwmark 0x77";
  const std::string psk = "wg set wg0 peer " + peer + " preshared-key " + key;
  const Hooks hooks =
      before_the_device ? Hooks{.pre_up = {device}} : Hooks{.post_up = {device + " && " + psk}};
  const auto node = [&](int port) {
    return Node().Add(Interface("wg0").ListenPort(port).AddPeer(
        Peer(TestKey("peer").Public()).AllowedIp("10.5.0.2/32")));
  };
  const auto told = [&] {
    return Shell("wg show wg0 private-key; wg show wg0 fwmark; wg show wg0 preshared-keys");
  };
  RETURN_IF_FAILED(host.Apply(node(51820), hooks));
  const std::string set = told();
  RETURN_TEXT(Contains(set, TestKey("hook").Clamped().Reveal() + "\n0x77\n"));
  RETURN_IF_FAILED(host.Apply(node(51820), hooks));
  RETURN_UNLESS(host.steps() == 0 && told() == set);
  // A change leaves it as it is, whether it is carried out or taken back.
  for (size_t message = 1;; ++message) {
    host.transport().Arm({.message = message, .error = ENOMEM});
    const bool done = host.Apply(node(51821)).ok();
    RETURN_UNLESS(told() == set);
    if (done) break;
  }
  host.transport().Arm({});
  // What the node has stated goes with it.
  Node stated;
  stated.Add(Interface("wg0")
                 .PrivateKey(TestKey("hook"))
                 .FwMark(0x77)
                 .ListenPort(51821)
                 .AddPeer(Peer(TestKey("peer").Public())
                              .PresharedKey(TestKey("psk"))
                              .AllowedIp("10.5.0.2/32")));
  RETURN_IF_FAILED(host.Apply(stated));
  RETURN_IF_FAILED(host.Apply(node(51821)));
  RETURN_UNLESS(told() == "(none)\noff\n" + peer + "\t(none)\n");
  return "";
}

TEST(Userspace, LeavesWhatAHookHasSet) {
  EXPECT_EQ(InUserspaceWorld([] { return SetByHook(true); }), "");
  EXPECT_EQ(InUserspaceWorld([] { return SetByHook(false); }), "");
}

std::string DeadWithoutKey() {
  const TemporaryDirectory directory;
  UserspaceHost host(directory.path());
  const Node node = Node().Add(Interface("wg0").ListenPort(51820));
  RETURN_IF_FAILED(host.Apply(node));
  const std::string up = StateNow();
  RETURN_UNLESS(Kill("wg0"));
  RETURN_IF_FAILED(host.Apply(node));
  return DifferenceOf(up, StateNow());
}

TEST(Userspace, StartsAProgramWithoutAKeyAgain) { EXPECT_EQ(InUserspaceWorld(DeadWithoutKey), ""); }

// ---- each step fails ----

std::string FailAt(size_t message, const Node& first, const Node& second, bool& fired) {
  const TemporaryDirectory directory;
  MakeUplink("eth0", "192.168.5.1/24");
  UserspaceHost host(directory.path());
  RETURN_IF_FAILED(host.Apply(first));
  const std::string before = StateNow();
  host.transport().Arm({.message = message, .error = ENOMEM});
  const Status status = host.Apply(second);
  fired = host.transport().fired();
  if (!fired) return "";
  RETURN_UNLESS(!status);
  if (!status.error().rollback || !status.error().rollback->complete()) {
    return "not rolled back: " + status.error().ToString();
  }
  RETURN_TEXT(DifferenceOf(before, StateNow()));
  host.transport().Arm({});
  RETURN_IF_FAILED(host.Apply(second));
  return "";
}

// Returns how many messages there were to fail.
size_t FailEach(const Node& first, const Node& second) {
  for (size_t message = 1;; ++message) {
    const std::string result = InUserspaceWorld([&]() -> std::string {
      bool fired = false;
      const std::string failure = FailAt(message, first, second, fired);
      return !failure.empty() ? failure : fired ? "" : "end";
    });
    if (result == "end") return message - 1;
    EXPECT_EQ(result, "") << "at message " << message;
    if (!result.empty()) return 0;
  }
}

TEST(Userspace, RollsBackWhereverItFails) {
  const size_t up = FailEach(Node(), ClientNode());
  const size_t change = FailEach(LargeNode(2), ChangedNode(2));
  const size_t down = FailEach(LargeNode(2), Node());
  EXPECT_GT(up, 10u);
  EXPECT_GT(change, 20u);
  EXPECT_GT(down, 10u);
  std::cout << "messages failed: " << up << " up, " << change << " change, " << down << " down\n";
}

// ---- traffic ----

std::string Ping() {
  const TemporaryDirectory directory;
  RETURN_TEXT(
      Shell("ip netns add far; ip link add veth0 type veth peer name veth0 netns far;"
            "ip address add 192.168.5.1/24 dev veth0; ip link set veth0 up;"
            "ip -n far address add 192.168.5.198/24 dev veth0; ip -n far link set veth0 up"));
  Node near;
  near.Add(Interface("near")
               .PrivateKey(TestKey("near"))
               .Address("10.5.0.1/24")
               .AddPeer(Peer(TestKey("far").Public())
                            .AllowedIp("10.5.0.2/32")
                            .Endpoint("192.168.5.198:51820")));
  Node far;
  far.Add(Interface("far")
              .PrivateKey(TestKey("far"))
              .ListenPort(51820)
              .Address("10.5.0.2/24")
              .AddPeer(Peer(TestKey("near").Public()).AllowedIp("10.5.0.1/32")));
  auto here = OpenSession(directory.path());
  RETURN_IF_FAILED(here);
  auto there = Session::Open({.owner = "owner", .netns = "far", .state_dir = directory.path()});
  RETURN_IF_FAILED(there);
  RETURN_IF_FAILED(here->Apply(near));
  RETURN_IF_FAILED(there->Apply(far));
  const std::string pinged = Shell("ping -q -c 3 -i 0.2 -W 5 10.5.0.2");
  RETURN_TEXT(Contains(pinged, " 0% packet loss"));
  const auto snapshot = there->Snapshot();
  RETURN_IF_FAILED(snapshot);
  RETURN_UNLESS(snapshot->devices.size() == 1 && snapshot->devices[0].name == "far");
  const PeerStatus& peer = snapshot->devices[0].peers.at(0);
  RETURN_UNLESS(peer.last_handshake_seconds > 0 && peer.rx_bytes > 0 && peer.endpoint);
  RETURN_UNLESS(here->Snapshot()->devices.size() == 1);
  // The socket is there, the interface is in the other namespace.
  Node same;
  same.Add(Interface("far").PrivateKey(TestKey("near")).Address("10.6.0.1/24"));
  auto other = Session::Open({.owner = "other", .state_dir = directory.path()});
  RETURN_IF_FAILED(other);
  const auto refused = other->Apply(same);
  RETURN_UNLESS(!refused);
  return Contains(refused.error().ToString(), "a program serves an interface far already");
}

TEST(Userspace, CarriesTrafficBetweenNamespaces) { EXPECT_EQ(InUserspaceWorld(Ping), ""); }

// ---- the program dies ----

std::string DeadProgram() {
  const TemporaryDirectory directory;
  MakeUplink("eth0", "192.168.5.1/24");
  auto session = OpenSession(directory.path());
  RETURN_IF_FAILED(session);
  const std::string before = StateNow();
  RETURN_IF_FAILED(session->Apply(ClientNode()));
  const std::string up = StateNow();
  RETURN_UNLESS(Kill("wg0"));
  // What keeps traffic from leaking stands, and it is said what is missing.
  RETURN_TEXT(Contains(Shell("ip link show wg0; ip route show table all"), "default dev wg0"));
  const auto snapshot = session->Snapshot();
  RETURN_IF_FAILED(snapshot);
  RETURN_UNLESS(snapshot->devices.empty());
  RETURN_UNLESS(snapshot->unserved == std::vector<std::string>{"wg0"});
  const auto refused = session->Apply(DeviceUpdate("wg0").ListenPort(51821));
  RETURN_UNLESS(!refused && refused.error().code == ErrorCode::kNotFound);
  RETURN_TEXT(Contains(refused.error().ToString(), "no program serves the interface any more"));
  // The same node again starts it.
  RETURN_IF_FAILED(session->Apply(ClientNode()));
  RETURN_TEXT(DifferenceOf(up, StateNow()));
  RETURN_UNLESS(session->Snapshot()->unserved.empty());
  RETURN_UNLESS(session->Apply(ClientNode())->steps == 0);
  // And nothing is left of a dead one.
  RETURN_UNLESS(Kill("wg0"));
  RETURN_IF_FAILED(session->Apply(Node()));
  return DifferenceOf(before, StateNow());
}

TEST(Userspace, TellsOfADeadProgramAndStartsItAgain) {
  EXPECT_EQ(InUserspaceWorld(DeadProgram), "");
}

std::string DiesInTheMiddle() {
  const TemporaryDirectory directory;
  MakeUplink("eth0", "192.168.5.1/24");
  UserspaceHost host(directory.path());
  const std::string before = StateNow();
  bool killed = false;
  host.transport().OnStep([&] {
    if (!killed && ProgramOf("wg0") != 0) killed = Kill("wg0");
  });
  const Status status = host.Apply(ClientNode());
  RETURN_UNLESS(killed);
  if (!status) {
    RETURN_UNLESS(status.error().rollback && status.error().rollback->complete());
    return DifferenceOf(before, StateNow());
  }
  // It was started again before it was told anything.
  RETURN_IF_FAILED(host.Apply(ClientNode()));
  RETURN_UNLESS(host.steps() == 0);
  return "";
}

TEST(Userspace, IsWholeOrAsBeforeWhenTheProgramDiesInTheMiddle) {
  EXPECT_EQ(InUserspaceWorld(DiesInTheMiddle), "");
}

std::string DiesDuringAChange() {
  const TemporaryDirectory directory;
  UserspaceHost host(directory.path());
  RETURN_IF_FAILED(host.Apply(KeyNode("own", "peer")));
  bool killed = false;
  host.transport().OnStep([&] {
    if (!killed) killed = Kill("wg0");
  });
  Node changed = KeyNode("own", "peer");
  Interface second("wg1");
  changed.Add(second.PrivateKey(TestKey("second")));
  // The first step after is a SET_DEVICE of wg0.
  Node port;
  port.Add(Interface("wg0")
               .PrivateKey(TestKey("own"))
               .ListenPort(51999)
               .Address("10.5.0.9/24")
               .AddPeer(Peer(TestKey("peer").Public()).AllowedIp("10.5.0.7/32"))
               .AddPeer(Peer(TestKey("third").Public()).AllowedIp("10.5.0.3/32")));
  const Status status = host.Apply(port);
  RETURN_UNLESS(killed && !status);
  return "";
}

TEST(Userspace, FailsWhenTheProgramDiesDuringAChange) {
  EXPECT_EQ(InUserspaceWorld(DiesDuringAChange), "");
}

// ---- sockets ----

std::string StaleSocket() {
  const TemporaryDirectory directory;
  const wireguard::SocketDirectory sockets;
  using State = wireguard::SocketDirectory::State;
  RETURN_UNLESS(!sockets.HasAny() && sockets.Look("wg0") == State::kNone);
  RETURN_TEXT(Shell("wireguard-go wg0 2>/dev/null"));
  RETURN_UNLESS(sockets.HasAny() && sockets.Look("wg0") == State::kServed);
  RETURN_UNLESS(sockets.RemoveStale("wg0") == EBUSY);
  RETURN_UNLESS(Kill("wg0"));
  RETURN_UNLESS(sockets.Look("wg0") == State::kStale);
  // A stale socket is no reason to fail.
  auto session = OpenSession(directory.path());
  RETURN_IF_FAILED(session);
  RETURN_UNLESS(session->Snapshot()->devices.empty());
  RETURN_IF_FAILED(session->Apply(KeyNode("own", "peer")));
  RETURN_UNLESS(sockets.Look("wg0") == State::kServed);
  RETURN_UNLESS(Kill("wg0"));
  RETURN_UNLESS(sockets.RemoveStale("wg0") == 0 && sockets.Look("wg0") == State::kNone);
  RETURN_UNLESS(sockets.RemoveStale("wg0") == 0);
  RETURN_UNLESS(sockets.RemoveStale("../wg0") == 0 && sockets.Look("a/b") == State::kNone);
  return "";
}

TEST(Userspace, RemovesAStaleSocket) { EXPECT_EQ(InUserspaceWorld(StaleSocket), ""); }

std::string UntrustedSockets() {
  const TemporaryDirectory parent;
  const std::string path = parent.path() + "/sockets";
  RETURN_TEXT(Shell("mkdir -m 755 " + path));
  const FakeUapi program(path, "wg0");
  const wireguard::SocketDirectory sockets(path);
  using State = wireguard::SocketDirectory::State;
  RETURN_UNLESS(sockets.Look("wg0") == State::kServed);
  RETURN_TEXT(Shell("chmod g+w " + path));
  RETURN_UNLESS(sockets.Look("wg0") == State::kNone && !sockets.HasAny());
  RETURN_TEXT(Shell("chmod g-w " + path + "; chown 1234 " + path));
  RETURN_UNLESS(sockets.Look("wg0") == State::kNone);
  RETURN_TEXT(Shell("chown 0 " + path + "; chown 1234 " + path + "/wg0.sock"));
  RETURN_UNLESS(sockets.Look("wg0") == State::kNone);
  RETURN_TEXT(Shell("cd " + path + "; chown 0 wg0.sock; ln -s wg0.sock wg1.sock; touch wg2.sock"));
  RETURN_UNLESS(sockets.Look("wg0") == State::kServed);
  RETURN_UNLESS(sockets.Look("wg1") == State::kNone && sockets.Look("wg2") == State::kNone);
  RETURN_TEXT(Shell("cd " + parent.path() + "; mv sockets other; ln -s other sockets"));
  RETURN_UNLESS(sockets.Look("wg0") == State::kNone);
  return "";
}

TEST(Userspace, TrustsRootsSocketsOnly) { EXPECT_EQ(InUserspaceWorld(UntrustedSockets), ""); }

std::string HungProgram() {
  const wireguard::SocketDirectory sockets("/var/run/wireguard", std::chrono::milliseconds(200));
  RETURN_TEXT(Shell("wireguard-go wg0 2>/dev/null"));
  SecretBuffer answer;
  RETURN_UNLESS(sockets.Ask("wg0", "get=1\n\n", answer) == 0);
  RETURN_UNLESS(kill(ProgramOf("wg0"), SIGSTOP) == 0);
  // Its threads stop a moment later.
  int asked = 0;
  for (int i = 0; i < 100 && asked == 0; ++i) asked = sockets.Ask("wg0", "get=1\n\n", answer);
  RETURN_UNLESS(asked == ETIMEDOUT);
  return "";
}

TEST(Userspace, WaitsForAHungProgramNotForEver) { EXPECT_EQ(InUserspaceWorld(HungProgram), ""); }

// ---- programs that do not do ----

std::string FailingProgram(const std::string& script, const std::string& wanted) {
  const TemporaryDirectory directory;
  MakeUplink("eth0", "192.168.5.1/24");
  const std::string program = directory.path() + "/program";
  std::ofstream(program) << "#!/bin/sh\n" << script << "\n";
  RETURN_TEXT(Shell("chmod +x " + program));
  const std::string before = StateNow();
  auto session = OpenSession(directory.path(), program);
  RETURN_IF_FAILED(session);
  const auto refused = session->Apply(ClientNode());
  RETURN_UNLESS(!refused);
  RETURN_TEXT(Contains(refused.error().ToString(), wanted));
  RETURN_UNLESS(refused.error().rollback && refused.error().rollback->complete());
  return DifferenceOf(before, StateNow());
}

TEST(Userspace, SaysWhatIsWrongWithAProgram) {
  EXPECT_EQ(InUserspaceWorld([] { return FailingProgram("exit 3", "ended with status 3"); }), "");
  EXPECT_EQ(InUserspaceWorld([] { return FailingProgram("kill -9 $$", "ended with status 137"); }),
            "");
  EXPECT_EQ(InUserspaceWorld([] { return FailingProgram("exit 0", "does not answer"); }), "");
}

// ---- the same as wg ----

std::string SameAsWg() {
  const TemporaryDirectory directory;
  MakeUplink("eth0", "192.168.5.1/24");
  auto session = OpenSession(directory.path());
  RETURN_IF_FAILED(session);
  RETURN_IF_FAILED(session->Apply(LargeNode(40)));
  const auto snapshot = session->Snapshot();
  RETURN_IF_FAILED(snapshot);
  std::string ours;
  size_t peers = 0;
  for (const DeviceStatus& device : snapshot->devices) {
    ours += fmt::format("{}\t{}\t{}\t{}\t{}\n", device.name, device.private_key.Reveal(),
                        device.public_key.ToString(), device.listen_port,
                        device.fwmark == 0 ? "off" : fmt::format("{:#x}", device.fwmark));
    for (const PeerStatus& peer : device.peers) {
      ++peers;
      std::string ips;
      for (const Prefix& ip : peer.allowed_ips) ips += (ips.empty() ? "" : ",") + ip.ToString();
      ours += fmt::format(
          "{}\t{}\t{}\t{}\t{}\t{}\n", device.name, peer.public_key.ToString(),
          peer.preshared_key.is_zero() ? "(none)" : peer.preshared_key.Reveal(),
          peer.endpoint ? peer.endpoint->ToString() : "(none)", ips.empty() ? "(none)" : ips,
          peer.persistent_keepalive == 0 ? "off" : std::to_string(peer.persistent_keepalive));
    }
  }
  RETURN_UNLESS(peers == 41);
  std::ofstream(directory.path() + "/ours") << ours;
  return Shell("sort -o " + directory.path() + "/ours " + directory.path() +
               "/ours; wg show all dump | cut -f 1-5,9 | sort | diff " + directory.path() +
               "/ours -");
}

TEST(Userspace, ShowsWhatWgShows) { EXPECT_EQ(InUserspaceWorld(SameAsWg), ""); }

}  // namespace
}  // namespace wgnet::testing
