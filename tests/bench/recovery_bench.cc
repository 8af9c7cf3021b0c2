// SPDX-License-Identifier: MIT OR Apache-2.0
// How long it takes to take back a transaction of 500 routes and as many rules that was killed
// right before its end, and how much of that is the kernel's own: what passes inside the calls that
// send and receive.
//   unshare -n recovery_bench [ROUNDS]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "src/netlink/kernel_transport.h"
#include "tests/support/kill_after.h"

namespace wgnet::testing {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPrefixes = 500;

class Timed final : public netlink::ForwardingTransport {
 public:
  explicit Timed(std::unique_ptr<netlink::Transport> inner)
      : ForwardingTransport(std::move(inner)) {}

  int Send(netlink::Bus bus, std::span<const iovec> parts) override {
    const auto begin = Clock::now();
    const int error = next().Send(bus, parts);
    inside_ += Clock::now() - begin;
    return error;
  }
  ssize_t Receive(netlink::Bus bus, std::span<std::byte> buffer) override {
    const auto begin = Clock::now();
    const ssize_t size = next().Receive(bus, buffer);
    inside_ += Clock::now() - begin;
    return size;
  }
  Clock::duration inside() const { return inside_; }

 private:
  Clock::duration inside_{};
};

// No tunnel, since a fake one goes with its process.
Node Routes() {
  Node node;
  for (int i = 0; i < kPrefixes; ++i) {
    const std::string prefix = fmt::format("10.{}.{}.0/24", i / 250, i % 250);
    node.Add(PolicyRoute::ForPrefix(prefix, "eth0").Table(700).Priority(1000 + i));
  }
  return node;
}

// The steps of a transaction that ends well.
size_t CountSteps(Host& host, const Node& node) {
  size_t steps = 0;
  host.transport().OnStep([&] { ++steps; });
  const bool done = host.Apply(node).ok();
  host.transport().OnStep({});
  return done && host.Apply({}) ? steps : 0;
}

double Milliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

int Run(int rounds) {
  const TemporaryDirectory state;
  MakeUplink("eth0", "192.168.5.1/24");
  Host host("owner", state.path());
  const Node node = Routes();
  const size_t steps = CountSteps(host, node);
  std::vector<double> ours;
  for (int round = 0; round < rounds; ++round) {
    if (KillAfter(steps, host, [&] { return host.Apply(node).ok(); }) != End::kKilled) {
      fmt::print(stderr, "nothing was killed\n");
      return 1;
    }
    auto kernel = netlink::KernelTransport::Open(*netlink::NetworkNamespace::Open(""));
    auto timed = std::make_unique<Timed>(std::make_unique<FakeWireguard>(*std::move(kernel)));
    const Timed& clock = *timed;
    plan::Planner planner("next", std::move(timed), *plan::StateDir::Open(state.path(), "test"),
                          std::chrono::seconds(1));
    const auto begin = Clock::now();
    const auto report = planner.Recover();
    const auto all = Clock::now() - begin;
    if (!report || report->cut_off.size() != 1 || !report->cut_off[0].rollback.complete()) {
      fmt::print(stderr, "{}\n", report ? report->ToJson() : report.error().ToString());
      return 1;
    }
    ours.push_back(Milliseconds(all - clock.inside()));
    fmt::print("{} steps taken back in {:.1f} ms, of which {:.1f} ms not in the kernel\n",
               report->cut_off[0].rollback.undone, Milliseconds(all), ours.back());
  }
  std::sort(ours.begin(), ours.end());
  fmt::print("median: {:.1f} ms beyond the kernel's own time\n", ours[ours.size() / 2]);
  return 0;
}

}  // namespace
}  // namespace wgnet::testing

int main(int argc, char** argv) {
  return wgnet::testing::Run(argc > 1 ? std::max(1, std::atoi(argv[1])) : 5);
}
