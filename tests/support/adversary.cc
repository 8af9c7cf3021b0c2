// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/adversary.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>

#include <cstdlib>
#include <iterator>

#include "tests/support/sandbox.h"

namespace wgnet::testing {
namespace {

UniqueFd OpenOwnNamespace() {
  return UniqueFd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
}

template <class Container>
auto& RandomOf(Random& random, Container& container) {
  return *std::next(container.begin(), Pick(random, static_cast<int>(container.size())));
}

}  // namespace

Twin::Twin(const std::function<void()>& make) : own_(OpenOwnNamespace()) {
  if (unshare(CLONE_NEWNET) != 0) abort();
  twin_ = OpenOwnNamespace();
  Shell("ip link set lo up");
  make();
  if (setns(own_.get(), CLONE_NEWNET) != 0) abort();
}

void Twin::Inside(const std::function<void()>& body) const {
  if (setns(twin_.get(), CLONE_NEWNET) != 0) abort();
  body();
  if (setns(own_.get(), CLONE_NEWNET) != 0) abort();
}

std::string Adversary::Act() {
  std::string command;
  int kind = 0;
  while (command.empty()) {
    kind = Pick(random_, kAllKinds);
    command = Choose(kind);
  }
  ++acts_;
  last_ = command;
  kinds_.insert(kind);
  std::string there;
  twin_.Inside([&] { there = Shell(command); });
  const std::string here = Shell(command);
  if (here.empty() && there.empty()) return "";
  return fmt::format("the adversary's {}: {} and in the twin {}", command, here, there);
}

std::string Adversary::Choose(int kind) {
  switch (kind) {
    case 0:
      return AddLink();
    case 1:
      return RemoveLink();
    case 2:
      return Toggle(addresses_, fmt::format("192.168.5.{}/24 dev eth0", 200 + Pick(random_, 5)),
                    "ip address");
    case 3: {
      if (links_.empty()) return "";
      auto& [name, addresses] = RandomOf(random_, links_);
      const int number = Pick(random_, 4);
      const bool v6 = Chance(random_, 50);
      // Each IPv4 address has a network of its own: the first of one takes the others along.
      return Toggle(addresses,
                    v6 ? fmt::format("fda0:{}::{}/64 dev {}", name.back(), number + 1, name)
                       : fmt::format("10.20{}.{}.1/24 dev {}", number, name.back(), name),
                    v6 ? "ip -6 address" : "ip -4 address");
    }
    case 4:
      return Toggle(routes_, fmt::format("203.0.113.{} dev eth0", Pick(random_, 6)), "ip route");
    case 5:
      return Toggle(
          routes_,
          fmt::format("blackhole 198.51.100.{} table {}", Pick(random_, 6), 700 + Pick(random_, 3)),
          "ip route");
    case 6:
      return Toggle(routes_,
                    fmt::format("2001:db8:77:{}::/64 dev eth0 table {}", Pick(random_, 6),
                                Chance(random_, 50) ? 254 : 700),
                    "ip -6 route");
    case 7: {
      const int number = Pick(random_, 6);
      return Toggle(rules_,
                    fmt::format("priority {} fwmark {:#x}/0xf lookup {}", 1200 + number, number + 1,
                                700 + number),
                    "ip rule");
    }
    case 8:
      return Device();
    default:
      return Nft(kind);
  }
}

// The same command with "add", or with "del" where it is there.
std::string Adversary::Toggle(std::set<std::string>& there, const std::string& what,
                              const char* object) {
  if (there.erase(what) != 0) return fmt::format("{} del {}", object, what);
  there.insert(what);
  const bool address = std::string_view(object).ends_with("-6 address");
  return fmt::format("{} add {}{}", object, what, address ? " nodad" : "");
}

// Its number and hardware address are the same in both namespaces.
std::string Adversary::AddLink() {
  const int number = Pick(random_, 4);
  const std::string name = fmt::format("f{}", number);
  if (!links_.emplace(name, std::set<std::string>()).second) return "";
  return fmt::format(
      "ip link add {0} index {1} address 02:00:00:00:01:0{2} type ifb && ip link set {0} up", name,
      next_index_--, number);
}

std::string Adversary::RemoveLink() {
  if (links_.empty()) return "";
  const std::string name = RandomOf(random_, links_).first;
  links_.erase(name);
  return "ip link del " + name;
}

std::string Adversary::Device() {
  if (links_.empty()) return "";
  const std::string name = RandomOf(random_, links_).first;
  return fmt::format("echo {} >/proc/sys/net/ipv4/conf/{}/accept_redirects", Pick(random_, 2),
                     name);
}

std::string Adversary::Nft(int kind) {
  const char* const families[] = {"inet", "ip", "ip6"};
  const int number = Pick(random_, 3);
  const std::string table = fmt::format("{} mine{}", families[number], number);
  if (kind == 9) {
    if (tables_.erase(table) != 0) return "nft delete table " + table;
    tables_.insert(table);
    return fmt::format(
        "nft 'add table {0}; add set {0} ports {{ type inet_service; flags interval; }};"
        " add chain {0} forward {{ type filter hook forward priority {1}; policy accept; }};"
        " add chain {0} mine; add rule {0} forward tcp dport @ports jump mine'",
        table, Pick(random_, 5));
  }
  if (!tables_.contains(table)) return "";
  if (kind == 10) {
    const int port = 1000 + 10 * Pick(random_, 50);
    return fmt::format("nft 'flush set {0} ports; add element {0} ports {{ {1}-{2} }}'", table,
                       port, port + 5);
  }
  return Chance(random_, 70)
             ? fmt::format("nft 'add rule {} mine tcp dport {} counter accept comment \"mine\"'",
                           table, Pick(random_, 1000))
             : fmt::format("nft flush chain {} mine", table);
}

}  // namespace wgnet::testing
