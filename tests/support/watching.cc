// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/watching.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "tests/support/kernel_state.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

using std::chrono::milliseconds, std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr auto kPatience = seconds(60);  // far more than is needed: the guest is slow

}  // namespace

Result<Session> OpenSession(const std::string& directory, const std::string& owner) {
  return Session::Open({.owner = owner, .state_dir = directory, .guardian = ""});
}

std::string StateNow() {
  std::string state;
  for (int attempt = 0; attempt < 400; ++attempt) {
    std::string again =
        ReadKernelState() + Shell("wg show all dump | cut -f 1-5,9 | grep -v ^other | sort");
    if (again == state && !HasTentativeAddress()) break;
    state = std::move(again);
    usleep(5000);
  }
  return state;
}

std::string StateByName() {
  static_cast<void>(StateNow());  // it moves no more
  return Shell(
      "ip -o address | sed 's/^[0-9]*: //' | sort; ip route show table all | sort;"
      "ip -6 route show table all | sort; ip rule; ip -6 rule; nft list ruleset;"
      "ip -o -d link | sed 's/^[0-9]*: //' | sort; wg show all dump | cut -f 1-5,9 | sort");
}

const Event* Listener::WaitFor(const std::function<bool(const Event&)>& wanted) {
  const auto deadline = Clock::now() + kPatience;
  while (true) {
    for (; heard_ < events_.size(); ++heard_) {
      if (wanted(events_[heard_])) return &events_[heard_++];
    }
    if (!error_.empty() || Clock::now() > deadline) return nullptr;
    Listen(milliseconds(100));
  }
}

void Listener::Listen(milliseconds time) {
  const Status status = watcher_.Run(
      [this](const Event& event) {
        events_.push_back(event);
        return true;
      },
      time);
  if (!status) error_ = status.error().ToString();
}

size_t Listener::Count(Event::Kind kind) const {
  return static_cast<size_t>(std::count_if(
      events_.begin(), events_.end(), [kind](const Event& event) { return event.kind == kind; }));
}

std::string Listener::Said() const {
  std::string text = error_;
  for (const Event& event : events_) text += event.ToString() + "\n";
  return text.empty() ? "nothing" : text;
}

void MakeForeign() {
  MakeUplink("eth0", "192.168.5.1/24");
  const std::string said = Shell(
      "ip address add 10.55.0.1/24 dev eth0 && ip route add 10.56.0.0/16 dev eth0 proto bgp &&"
      "ip -6 route add fd56::/64 dev eth0 && ip rule add pref 77 from 10.55.0.0/24 table 56 &&"
      "ip route add default dev eth0 table 56 && nft add table inet theirs &&"
      "sysctl -qw net.ipv4.conf.eth0.rp_filter=1");
  if (!said.empty()) fmt::print(stderr, "set-up: {}\n", said);
}

std::string KeyOf(const char* seed) { return TestKey(seed).Public().ToString(); }

Result<Watcher> Watch(Session& session, std::optional<Node> keep, WatchOptions options) {
  options.keep = std::move(keep);
  options.poll_interval = milliseconds(300);
  return session.Watch(options);
}

Node ManyRoutes() {
  Node node;
  Interface wg0("wg0");
  wg0.PrivateKey(TestKey("own")).ListenPort(51820).Address("10.9.0.1/24");
  Peer peer(TestKey("a").Public());
  for (int i = 0; i < 100; ++i) peer.AllowedIp(fmt::format("10.20.{}.0/24", i));
  return node.Add(wg0.AddPeer(peer));
}

Node OtherNode(int number) {
  Node node;
  Interface wg0("wg0");
  wg0.PrivateKey(TestKey(fmt::format("own {}", number % 2)))
      .ListenPort(51820 + number % 3)
      .Address(fmt::format("10.9.{}.1/24", number % 2));
  for (int i = 0; i < 20; ++i) {
    wg0.AddPeer(Peer(TestKey(fmt::format("{}", i)).Public())
                    .AllowedIp(fmt::format("10.20.{}.0/24", (i + number) % 25)));
  }
  node.Add(wg0);
  if (number % 2 == 0) node.Add(NatRule::Masquerade().Source("10.9.0.0/24").OutInterface("eth*"));
  if (number % 3 == 0) node.Add(ForwardRule().Between("wg0", "eth*"));
  return node;
}

}  // namespace wgnet::testing
