// SPDX-License-Identifier: MIT OR Apache-2.0
// For every ErrorCode a case that really leads to it. Afterwards the kernel is as before, but where
// somebody else had his hands in it.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <map>
#include <new>
#include <thread>
#include <vector>

#include "tests/support/kernel_state.h"
#include "tests/support/world.h"
#include "wgnet/conf.h"
#include "wgnet/session.h"

namespace wgnet::testing {
namespace {

constexpr std::string_view kKey = "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=";
constexpr int kLastCode = static_cast<int>(ErrorCode::kDns);

// A new namespace with an uplink, and one owner in it.
struct World {
  World() {
    MakeUplink("eth0", "192.168.5.1/24");
    host.emplace("owner", state.path());
    Begin();
  }
  // From here on nothing may change.
  void Begin() { before = host->State(); }
  Result<Session> OpenSession(std::string netns = "") const {
    return Session::Open({.owner = "owner",
                          .netns = std::move(netns),
                          .state_dir = state.path(),
                          .lock_timeout = std::chrono::milliseconds(0),
                          .userspace_implementation = ""});
  }

  TemporaryDirectory state;
  std::optional<Host> host;
  std::string before;
};

template <class T>
Error ErrorOf(const Result<T>& result) {
  return result ? Error{.code = ErrorCode(0), .message = "no error"} : result.error();
}

Node SmallNode() {
  return Node().Add(Interface("wg0")
                        .ListenPort(51820)
                        .Address("10.9.0.1/32")
                        .AddPeer(Peer(kKey).AllowedIp("10.9.0.0/16")));
}

struct Case {
  ErrorCode code;
  std::string name;
  std::function<Error(World&)> run;
  std::string says;  // a part of what a user reads
  bool state_stays = true;
};

// ---- what the world can be short of ----

Error WithoutNetAdmin(const std::function<Error()>& body) {
  Error error;
  // Capabilities are a thread's.
  std::thread thread([&] {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2];
    syscall(SYS_capget, &header, data);
    for (auto& set : data) set.inheritable = 0;
    data[0].effective &= ~(1u << CAP_NET_ADMIN);
    data[0].permitted &= ~(1u << CAP_NET_ADMIN);
    error = syscall(SYS_capset, &header, data) == 0 ? body() : Error{.message = "capset failed"};
  });
  thread.join();
  return error;
}

Error WithPortTaken(World& world, uint16_t port) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return {.message = "the test cannot bind the port"};
  }
  Error error = ErrorOf(world.host->Apply(SmallNode()));
  close(fd);
  return error;
}

Error WithReadOnlySysctls(World& world) {
  if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("/proc/sys", "/proc/sys", nullptr, MS_BIND, nullptr) != 0 ||
      mount("", "/proc/sys", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0) {
    return {.message = "the test cannot mount"};
  }
  return ErrorOf(world.host->Apply(SmallNode()));
}

[[maybe_unused]] Error WithLittleMemory(World& world) {
  Interface interface("wg0");
  for (uint32_t i = 1; i <= 50000; ++i) {
    uint8_t key[32] = {1};
    std::memcpy(key + 1, &i, sizeof i);
    interface.AddPeer(Peer(PublicKey(key)));
  }
  const Node node = Node().Add(std::move(interface));
  auto session = world.OpenSession();
  if (!session) return session.error();
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit limit;
  getrlimit(RLIMIT_AS, &limit);
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = pages * static_cast<size_t>(sysconf(_SC_PAGESIZE)) + (4 << 20);
  setrlimit(RLIMIT_AS, &limit);
  Error error = ErrorOf(session->Plan(node));
  limit.rlim_cur = before;
  setrlimit(RLIMIT_AS, &limit);
  return error;
}

class ResolverWithoutMemory final : public Resolver {
 public:
  std::vector<HostAnswer> LookUp(std::span<const std::string>, TimePoint) override {
    throw std::bad_alloc();
  }
};

Error WithoutMemoryForNames(World& world) {
  auto session = Session::Open(
      {.state_dir = world.state.path(), .resolver = std::make_shared<ResolverWithoutMemory>()});
  if (!session) return session.error();
  return ErrorOf(
      session->Plan(Node().Add(Interface("wg0").AddPeer(Peer(kKey).Endpoint("a.example:1")))));
}

Error WithFault(World& world, int error, size_t message = 1) {
  world.host->transport().Arm({message, error, std::nullopt});
  return ErrorOf(world.host->ApplyOnce(SmallNode()));
}

constexpr char kReplaceOurRoute[] =
    "ip route show 10.9.0.0/16 | grep -q wg0 && ip route replace 10.9.0.0/16 dev eth0";

// Somebody runs a command after every message.
Error WithInterference(World& world, const std::string& command) {
  world.host->transport().OnStep([&] { Shell(command + " 2>/dev/null"); });
  Error error = ErrorOf(world.host->ApplyOnce(SmallNode()));
  world.host->transport().OnStep(nullptr);
  return error;
}

Error WithIpv6Off(World& world) {
  std::ofstream("/proc/sys/net/ipv6/conf/default/disable_ipv6") << 1;
  return ErrorOf(world.host->Apply(Node().Add(Interface("wg0").Address("fd00::1/64"))));
}

Error WithForeignRoute(World& world) {
  Shell("ip route add 10.9.0.0/16 dev eth0");
  world.Begin();
  return ErrorOf(world.host->Apply(SmallNode()));
}

Error WithOldPlan(World& world) {
  const auto plan = world.host->Plan(SmallNode());
  if (!plan) return plan.error();
  Shell("ip link add wg0 type ifb");
  world.Begin();
  return ErrorOf(world.host->planner().Apply(*plan));
}

Error WithUsedPlan(World& world) {
  const auto plan = world.host->Plan(SmallNode());
  if (!plan) return plan.error();
  if (const auto first = world.host->planner().Apply(*plan); !first) return first.error();
  world.Begin();
  return ErrorOf(world.host->planner().Apply(*plan));
}

Error WithDamagedRecord(World& world) {
  std::ofstream(world.state.path() + "/test/x.record") << "damaged";
  return ErrorOf(world.host->Apply(SmallNode()));
}

Error WithHeldLock(World& world) {
  const auto dir = plan::StateDir::Open(world.state.path(), "test");
  const auto lock = dir->Lock(std::chrono::milliseconds(0));
  return ErrorOf(world.host->Apply(SmallNode()));
}

template <class Call>
Error InSession(World& world, const Call& call) {
  auto session = world.OpenSession();
  return session ? ErrorOf(call(*session)) : session.error();
}

std::vector<Case> Cases() {
  using C = ErrorCode;
  std::vector<Case> cases = {
      {C::kInvalidArgument, "Builder",
       [](World& w) { return ErrorOf(w.host->Apply(Node().Add(Interface("a/b")))); },
       "not an interface name"},
      {C::kParse, "Json", [](World&) { return ErrorOf(Node::FromJson("{")); }, "malformed"},
      {C::kIo, "MissingFile", [](World&) { return ErrorOf(ConfFile::Read("/nowhere/a.conf")); },
       "cannot be read"},
      {C::kNotFound, "Netns", [](World& w) { return ErrorOf(w.OpenSession("no-such-netns")); },
       "ip netns list"},
      {C::kPermission, "Change",
       [](World& w) {
         return WithoutNetAdmin([&] { return ErrorOf(w.host->Apply(SmallNode())); });
       },
       "this process has no CAP_NET_ADMIN"},
      {C::kPermission, "Read",
       [](World& w) {
         return WithoutNetAdmin([&] {
           return InSession(
               w, [](Session& s) { return s.Plan(Node().Add(NatRule().OutInterface("eth0"))); });
         });
       },
       "this process has no CAP_NET_ADMIN"},
      {C::kModuleMissing, "LinkKind", [](World& w) { return WithFault(w, EOPNOTSUPP, 2); },
       "this kernel has no WireGuard"},
      {C::kNotSupported, "Ipv6Off", WithIpv6Off, "disable_ipv6"},
      {C::kNameTaken, "Link",
       [](World& w) { return ErrorOf(w.host->Apply(Node().Add(Interface("eth0")))); },
       "an interface \"eth0\" exists, and is not \"owner\"'s"},
      {C::kPortInUse, "Socket", [](World& w) { return WithPortTaken(w, 51820); },
       "another socket has the UDP port"},
      {C::kConflict, "Route", WithForeignRoute, "somebody else has a route"},
      {C::kReadOnly, "Sysctl", WithReadOnlySysctls, "cannot be written: Read-only file system"},
      {C::kBusy, "Lock", WithHeldLock, "is changing this network namespace"},
      {C::kStale, "LinkAppeared", WithOldPlan,
       "the kernel is not as it was when the plan was made: an interface \"wg0\" exists"},
      {C::kStale, "PlanUsedTwice", WithUsedPlan, "another plan of this owner was applied"},
      {C::kKernel, "Refusal", [](World& w) { return WithFault(w, EINVAL); }, "Invalid argument"},
      {C::kVerify, "RouteTakenAway",
       [](World& w) { return WithInterference(w, "ip route del 10.9.0.0/16 dev wg0"); },
       "not as planned"},
      {C::kRollbackIncomplete, "RouteReplaced",
       [](World& w) { return WithInterference(w, kReplaceOurRoute); },
       "somebody else changed it meanwhile", false},
      {C::kState, "DamagedRecord", WithDamagedRecord, "the record is damaged"},
      {C::kUnresolved, "Name",
       [](World& w) {
         return InSession(w, [](Session& s) {
           return s.Plan(
               Node().Add(Interface("wg0").AddPeer(Peer(kKey).Endpoint("wgnet-test.invalid:1"))));
         });
       },
       "\"wgnet-test.invalid\" cannot be looked up"},
      {C::kNoMemory, "Resolver", WithoutMemoryForNames, "out of memory"},
      {C::kDns, "Refusal",
       [](World& w) {
         w.host->resolver().refuses = true;
         return ErrorOf(w.host->Apply(SmallNode().Add(Dns("wg0").Server("10.9.0.1"))));
       },
       "the resolver refuses"},
      {C::kHook, "Status",
       [](World& w) { return ErrorOf(w.host->Apply(SmallNode(), {.post_up = {"exit 3"}})); },
       "the hook ended with status 3"},
  };
#ifndef __SANITIZE_ADDRESS__  // it needs more room than any limit leaves
  cases.push_back({C::kNoMemory, "AddressSpace", WithLittleMemory, "out of memory"});
#endif
  if (!InGuest()) {
    cases.push_back(
        {C::kModuleMissing, "Kernel",
         [](World& w) { return InSession(w, [](Session& s) { return s.Apply(SmallNode()); }); },
         "this kernel has no WireGuard"});
  }
  return cases;
}

std::string NameOf(const Case& c) {
  std::string name;
  for (const char letter : ErrorCodeName(c.code)) name += letter == '-' ? '_' : letter;
  return name + "_" + c.name;
}

void PrintTo(const Case& c, std::ostream* out) { *out << NameOf(c); }

class ErrorCodeTest : public ::testing::TestWithParam<Case> {};

std::string RunCase(const Case& c) {
  World world;
  const Error error = c.run(world);
  const std::string text = error.ToString();
  if (error.code != c.code) return fmt::format("{}: {}", ErrorCodeName(error.code), text);
  if (text.find(c.says) == text.npos) return "does not say it: " + text;
  if (error.message.empty() || error.hint.empty()) return "has no message or no hint: " + text;
  if (!c.state_stays) return "";
  return DifferenceOf(world.before, world.host->State());
}

TEST_P(ErrorCodeTest, IsReachedAndTheStateStays) {
  EXPECT_EQ(InNewNamespace([] { return RunCase(GetParam()); }), "");
}

INSTANTIATE_TEST_SUITE_P(, ErrorCodeTest, ::testing::ValuesIn(Cases()),
                         [](const auto& info) { return NameOf(info.param); });

TEST(ErrorCodeTableTest, EveryCodeHasACase) {
  std::map<ErrorCode, int> counts;
  for (const Case& c : Cases()) ++counts[c.code];
  for (int code = 1; code <= kLastCode; ++code) {
    EXPECT_GT(counts[ErrorCode(code)], 0) << ErrorCodeName(ErrorCode(code));
  }
  EXPECT_EQ(ErrorCodeName(ErrorCode(kLastCode + 1)), "unknown");
  std::cout << Cases().size() << " cases for " << kLastCode << " codes\n";
}

// Links that others make get the numbers that a plan may have chosen.
TEST(ErrorCodeTableTest, ALinkThatTookOurNumberIsNotRemoved) {
  const std::string failure = InNewNamespace([]() -> std::string {
    World world;
    const auto plan = world.host->Plan(SmallNode());
    uint32_t index = 0;
    for (const auto& op : plan->ops) {
      if (const auto* link = std::get_if<kernel::Link>(&op.object)) index = *link->index;
    }
    world.host->transport().OnBegin(
        [&] { Shell(fmt::format("ip link add other index {} type ifb", index)); });
    const Error error = ErrorOf(world.host->ApplyOnce(SmallNode()));
    if (error.code != ErrorCode::kStale) return error.ToString();
    const std::string links = Shell("ip -o link show dev other");
    return links.find("other") == links.npos ? "it is gone: " + links : "";
  });
  EXPECT_EQ(failure, "");
}

// What users run into most often has to be told apart at a glance.
TEST(ErrorCodeTableTest, FourCommonFailuresReadDifferently) {
  const std::map<ErrorCode, std::string> kHints = {
      {ErrorCode::kPermission, "run it as root, or give the program the capability with `setcap"},
      {ErrorCode::kModuleMissing, "`modprobe wireguard`"},
      {ErrorCode::kNameTaken, "choose another name"},
      {ErrorCode::kPortInUse, "choose another ListenPort"},
  };
  size_t seen = 0;
  for (const Case& c : Cases()) {
    const auto hint = kHints.find(c.code);
    if (hint == kHints.end()) continue;
    Case with_hint = c;
    with_hint.says = hint->second;
    EXPECT_EQ(InNewNamespace([&] { return RunCase(with_hint); }), "") << NameOf(c);
    ++seen;
  }
  EXPECT_GE(seen, kHints.size());
}

}  // namespace
}  // namespace wgnet::testing
