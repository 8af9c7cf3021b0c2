// SPDX-License-Identifier: MIT OR Apache-2.0
// What a watcher costs while others change routes: its share of a core, beside their rate.
//   sudo build/release/tests/watch_bench [SECONDS [ROUTES PER SECOND]]
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "src/netlink/client.h"
#include "src/netlink/kernel_transport.h"
#include "tests/support/userspace_world.h"
#include "tests/support/world.h"
#include "wgnet/session.h"

namespace wgnet::testing {
namespace {

using kernel::Edit;
using kernel::Verb;
using Clock = std::chrono::steady_clock;

constexpr int kPerBatch = 100;
constexpr int kOwnRoutes = 1000;

struct Scenario {
  const char* name;
  bool replaces;
  const char* network;  // of 2^16 addresses
};

constexpr Scenario kScenarios[] = {
    {"nothing happens", false, ""},
    {"added and removed", false, "172.16"},
    {"replaced", true, "172.16"},
    {"replaced, among ours", true, "10.20"},
};

// Routes of a routing daemon, one message each.
class Router {
 public:
  explicit Router(const Scenario& scenario) : scenario_(scenario), client_(*transport_) {}

  // Sends the next batch; every message is an event.
  void Send() {
    bytes_.Clear();
    netlink::MessageWriter out(bytes_, client_.sequence());
    for (int i = 0; i < kPerBatch; ++i) Put(i, out);
    ++round_;
    const iovec part{bytes_.data(), bytes_.size()};
    client_.Change(netlink::Bus::kRoute, {&part, 1}, out.message(),
                   [](const netlink::KernelError& error) {
                     fmt::print(stderr, "a route: errno {}\n", error.error_number);
                     std::abort();
                   });
  }

 private:
  void Put(int i, netlink::MessageWriter& out) {
    kernel::Route route;
    route.type = RTN_UNICAST;
    route.dst = *Prefix::Parse(fmt::format("{}.{}.{}/31", scenario_.network, i % 4, i / 4 * 2));
    route.table = RT_TABLE_MAIN;
    route.protocol = RTPROT_BGP;
    route.scope = RT_SCOPE_LINK;
    route.metric = 0;
    route.dev =
        kernel::LinkRef{round_ % 2 == 0 || !scenario_.replaces ? kFirstLink : kFirstLink + 1, {}};
    const Verb verb = scenario_.replaces && round_ > 0 ? Verb::kChange
                      : round_ % 2 == 0                ? Verb::kAdd
                                                       : Verb::kDelete;
    kernel::Encode(Edit<kernel::Route>{verb, route, route}, {}, out);
  }

  static constexpr uint32_t kFirstLink = 100 + '0';  // as MakeUplink numbers them
  Scenario scenario_;
  std::unique_ptr<netlink::KernelTransport> transport_ =
      *netlink::KernelTransport::Open(*netlink::NetworkNamespace::Open(""));
  netlink::Client client_;
  SecretBuffer bytes_;
  int round_ = 0;
};

// Changes routes for so long, and returns how many there were.
size_t Route(const Scenario& scenario, double seconds, double rate) {
  Router router(scenario);
  const auto start = Clock::now();
  size_t sent = 0;
  while (true) {
    const std::chrono::duration<double> past = Clock::now() - start;
    if (past.count() >= seconds) return sent;
    if (static_cast<double>(sent) > past.count() * rate) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      continue;
    }
    router.Send();
    sent += kPerBatch;
  }
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

Node OwnNode() {
  Node node;
  Interface wg0("wg0");
  wg0.PrivateKey(TestKey("own")).ListenPort(51820).Address("10.9.0.1/24");
  for (int i = 0; i < kOwnRoutes; i += 10) {
    Peer peer(TestKey(fmt::format("{}", i)).Public());
    for (int j = i; j < i + 10; ++j)
      peer.AllowedIp(fmt::format("10.20.{}.{}/32", j / 250, j % 250));
    wg0.AddPeer(peer);
  }
  return node.Add(wg0);
}

std::string Measure(const Scenario& scenario, double seconds, double rate) {
  const TemporaryDirectory directory;
  MakeUplink("eth0", "192.168.5.1/24");
  MakeUplink("eth1", "192.168.6.1/24");
  auto session = Session::Open({.owner = "owner", .state_dir = directory.path()});
  if (!session) return session.error().ToString();
  if (const auto done = session->Apply(OwnNode()); !done) return done.error().ToString();
  auto watcher = session->Watch();
  if (!watcher) return watcher.error().ToString();
  const auto no_event = [](const Event&) { return true; };
  if (auto run = watcher->Run(no_event, std::chrono::seconds(1)); !run) {
    return run.error().ToString();
  }
  int ends[2];
  if (pipe(ends) != 0) return "pipe";
  const pid_t child = fork();
  if (child == 0) {
    const size_t sent = *scenario.network != '\0' ? Route(scenario, seconds, rate) : 0;
    _exit(write(ends[1], &sent, sizeof sent) == sizeof sent ? 0 : 1);
  }
  const double before = CpuSeconds();
  size_t told = 0;
  const auto count = [&](const Event&) { return ++told > 0; };
  const auto time = std::chrono::duration<double>(seconds);
  const auto run = watcher->Run(count, std::chrono::duration_cast<std::chrono::milliseconds>(time));
  const double used = CpuSeconds() - before;
  size_t sent = 0;
  if (!run || read(ends[0], &sent, sizeof sent) != sizeof sent) return "the router failed";
  waitpid(child, nullptr, 0);
  fmt::print("{:<22} {:>9.0f} routes/s {:>8.3f} % of a core, {} events\n", scenario.name,
             static_cast<double>(sent) / seconds, 100 * used / seconds, told);
  return "";
}

}  // namespace

int Main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 5;
  const double rate = argc > 2 ? std::atof(argv[2]) : 10'000;
  fmt::print("a watcher of {} routes, while others' routes are\n", kOwnRoutes);
  for (const Scenario& scenario : kScenarios) {
    const std::string failed =
        InUserspaceWorld([&] { return Measure(scenario, seconds, rate); }, 600);
    if (!failed.empty()) {
      fmt::print(stderr, "{}: {}\n", scenario.name, failed);
      return 1;
    }
  }
  return 0;
}

}  // namespace wgnet::testing

int main(int argc, char** argv) { return wgnet::testing::Main(argc, argv); }
