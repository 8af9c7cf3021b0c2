// SPDX-License-Identifier: MIT OR Apache-2.0
// What a kill switch lets out, and what it does not, seen on the links. Each packet is seen to
// leave without it first.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <initializer_list>
#include <iostream>
#include <memory>
#include <string_view>

#include "tests/support/far_side.h"
#include "tests/support/leak_watch.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

constexpr std::string_view kMagic = "a probe of the kill switch";
constexpr int kWait = 3000;       // ms, for what is to leave
constexpr int kShortWait = 30;    // ms, for what is not
constexpr uint32_t kMark = 0x77;  // of the tunnel that has one

// ---- packets ----

struct Probe {
  const char* what;
  const char* to;
  bool unmarked;  // whether it is let out beside a tunnel without a mark
  bool marked;    // beside one with a mark
  uint16_t port = 9;
  int protocol = IPPROTO_UDP;
  uint32_t mark = 0;
  int hops = 64;
  char type = 0;  // of ICMPv6
  const char* link = "eth0";
};

constexpr uint16_t kPort = 51820;
constexpr char kSolicitation = static_cast<char>(135);
constexpr char kEcho = static_cast<char>(128);
constexpr char kReport = static_cast<char>(143);

const Probe kProbes[] = {
    {"UDP", "192.168.5.2", false, false},
    {"UDP", "fd05::2", false, false},
    {"to another network", "198.51.100.7", false, false},
    {"to another network", "2001:db8::7", false, false},
    {"to all", "192.168.5.255", false, false},
    {"multicast", "224.0.0.251", false, false},
    {"multicast", "ff02::fb", false, false},
    {"TCP", "192.168.5.2", false, false, kPort, IPPROTO_TCP},
    {"ICMP", "192.168.5.2", false, false, 0, IPPROTO_ICMP},
    {"to an endpoint", "192.168.5.2", true, false, kPort},
    {"to an endpoint", "fd05::2", true, false, kPort},
    {"to an endpoint, another port", "192.168.5.2", false, false, kPort + 1},
    {"to no endpoint, its port", "192.168.5.3", false, false, kPort},
    {"to no endpoint, its port", "fd05::3", false, false, kPort},
    {"with the mark", "192.168.5.3", false, true, 9, IPPROTO_UDP, kMark},
    {"with the mark", "fd05::3", false, true, 9, IPPROTO_UDP, kMark},
    {"with another mark", "192.168.5.3", false, false, 9, IPPROTO_UDP, kMark + 1},
    {"TCP with the mark", "192.168.5.3", false, false, 9, IPPROTO_TCP, kMark},
    {"neighbour discovery", "fd05::2", true, true, 0, IPPROTO_ICMPV6, 0, 255, kSolicitation},
    {"that has been forwarded", "fd05::2", false, false, 0, IPPROTO_ICMPV6, 0, 254, kSolicitation},
    {"echo", "fd05::2", false, false, 0, IPPROTO_ICMPV6, 0, 255, kEcho},
    {"a listener's report", "ff02::16", false, false, 0, IPPROTO_ICMPV6, 0, 255, kReport},
    {"by the loopback", "127.0.0.1", true, true, 9, IPPROTO_UDP, 0, 64, 0, "lo"},
    {"by the loopback", "::1", true, true, 9, IPPROTO_UDP, 0, 64, 0, "lo"},
    {"to an own address", "192.168.5.1", true, true, 9, IPPROTO_UDP, 0, 64, 0, "lo"},
    {"by the tunnel", "10.14.0.1", true, true, 9, IPPROTO_UDP, 0, 64, 0, "wg0"},
    {"by the tunnel", "fd14::1", true, true, 9, IPPROTO_UDP, 0, 64, 0, "wg0"},
    {"TCP by the tunnel", "10.14.0.1", true, true, 9, IPPROTO_TCP, 0, 64, 0, "wg0"},
};

std::string NameOf(const Probe& probe) {
  return fmt::format("{} to {} port {} mark {}", probe.what, probe.to, probe.port, probe.mark);
}

class Capture {
 public:
  explicit Capture(const char* link)
      : fd_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(if_nametoindex(link));
    bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  ~Capture() { close(fd_); }

  bool Sees(int milliseconds) {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::milliseconds(milliseconds);
    std::array<char, 2048> frame;
    while (true) {
      const ssize_t size = recv(fd_, frame.data(), frame.size(), 0);
      if (size > 0 && std::string_view(frame.data(), static_cast<size_t>(size)).find(kMagic) !=
                          std::string_view::npos) {
        return true;
      }
      if (size > 0) continue;
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
      if (left.count() <= 0) return false;
      pollfd ready{fd_, POLLIN, 0};
      poll(&ready, 1, static_cast<int>(left.count()));
    }
  }

 private:
  int fd_;
};

void Send(const Probe& probe) {
  const bool v6 = std::strchr(probe.to, ':') != nullptr;
  const bool udp = probe.protocol == IPPROTO_UDP;
  const int family = v6 ? AF_INET6 : AF_INET;
  const int fd = socket(family, (udp ? SOCK_DGRAM : SOCK_RAW) | SOCK_CLOEXEC, probe.protocol);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_MARK, &probe.mark, sizeof probe.mark);
  setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &probe.hops, sizeof probe.hops);
  setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &probe.hops, sizeof probe.hops);
  std::string data = udp ? "" : std::string(1, probe.type) + std::string(7, '\0');
  data += kMagic;
  sockaddr_storage to{};
  socklen_t size = sizeof(sockaddr_in);
  if (v6) {
    auto& in = reinterpret_cast<sockaddr_in6&>(to);
    size = sizeof in;
    in.sin6_family = AF_INET6;
    in.sin6_port = udp ? htons(probe.port) : uint16_t{0};
    inet_pton(AF_INET6, probe.to, &in.sin6_addr);
    if (IN6_IS_ADDR_MULTICAST(&in.sin6_addr)) in.sin6_scope_id = if_nametoindex(probe.link);
  } else {
    auto& in = reinterpret_cast<sockaddr_in&>(to);
    in.sin_family = AF_INET;
    in.sin_port = htons(probe.port);
    inet_pton(AF_INET, probe.to, &in.sin_addr);
  }
  sendto(fd, data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&to), size);
  close(fd);
}

// Whether it leaves as it should; the empty text, or what is wrong.
std::string SendAndSee(const Probe& probe, bool leaves) {
  Capture capture(probe.link);
  Send(probe);
  if (capture.Sees(leaves ? kWait : kShortWait) == leaves) return "";
  return fmt::format("{}: it {}\n", NameOf(probe), leaves ? "is kept in" : "leaves");
}

// ---- worlds ----

Node Guarded(uint32_t mark) {
  const auto peer = [](std::string_view name) { return Peer(TestKey(name).Public()); };
  Interface wg0("wg0");
  wg0.PrivateKey(TestKey("own")).Address("10.13.13.2/32").Address("fd13::2/128").FwMark(mark);
  wg0.AddPeer(
      peer("a").Endpoint("192.168.5.2:51820").AllowedIp("10.14.0.0/16").AllowedIp("fd14::/64"));
  wg0.AddPeer(peer("b").Endpoint("[fd05::2]:51820").AllowedIp("10.15.0.0/16"));
  return Node().Add(wg0).Add(KillSwitch());
}

// In a namespace with eth0, and a neighbour there.
std::string InWorld(const std::function<std::string(Host&)>& body) {
  return InNewNamespace([&]() -> std::string {
    const FarSide far(
        "eth0", "far0",
        [] {
          return Shell(
              "ip address add 192.168.5.2/24 dev far0; ip address add 192.168.5.3/24 dev far0;"
              "ip address add 192.168.5.254/24 dev far0; ip address add fd05::2/64 dev far0 nodad;"
              "ip address add fd05::3/64 dev far0 nodad; ip address add fd05::fe/64 dev far0 nodad;"
              "ip link set far0 up");
        },
        {}, "192.168.5.1");
    if (!far.error().empty()) return far.error();
    const std::string made = Shell(
        "ip address add 192.168.5.1/24 dev eth0; ip address add fd05::1/64 dev eth0 nodad;"
        "ip link set eth0 up; ip route add default via 192.168.5.254;"
        "ip -6 route add default via fd05::fe; ip route add 224.0.0.0/4 dev eth0");
    if (!made.empty()) return made;
    const TemporaryDirectory state;
    Host host("owner", state.path());
    return body(host);
  });
}

// What was wrong with each of several steps: a list is evaluated in its order.
std::string InOrder(std::initializer_list<std::string> steps) {
  std::string wrong;
  for (const std::string& step : steps) wrong += step;
  return wrong;
}

std::string ErrorOf(const Status& status) { return status ? "" : status.error().ToString(); }

// All probes: first without the switch, then with it, and an empty table of neighbours each time.
std::string TryAll(Host& host, uint32_t mark, bool Probe::*let_out) {
  std::string wrong = ErrorOf(host.Apply(WithoutKillSwitch(Guarded(mark))));
  for (const Probe& probe : kProbes) wrong += SendAndSee(probe, true);
  if (!wrong.empty()) return "without the switch: " + wrong;
  wrong = InOrder(
      {ErrorOf(host.Apply(Guarded(mark))), Shell("ip neigh flush all; ip -6 neigh flush all")});
  size_t kept = 0;
  for (const Probe& probe : kProbes) {
    wrong += SendAndSee(probe, probe.*let_out);
    kept += !(probe.*let_out);
  }
  std::cout << fmt::format("{} kinds of packets, {} kept in\n", std::size(kProbes), kept);
  std::cout.flush();
  return wrong;
}

TEST(KillSwitch, LetsOutWhatItSaysBesideATunnelWithoutAMark) {
  EXPECT_EQ(InWorld([](Host& host) { return TryAll(host, 0, &Probe::unmarked); }), "");
}

TEST(KillSwitch, LetsOutWhatItSaysBesideATunnelWithAMark) {
  EXPECT_EQ(InWorld([](Host& host) { return TryAll(host, kMark, &Probe::marked); }), "");
}

const Probe kOutside = {"UDP", "198.51.100.7", false, false};

TEST(KillSwitch, HoldsWhateverOtherChainsAccept) {
  constexpr char kAccept[] = R"(nft -f - <<E
table inet admin {
  chain output { type filter hook output priority -400; accept; }
  chain first { type filter hook postrouting priority -400; accept; }
  chain last { type filter hook postrouting priority 400; accept; }
}
E)";
  EXPECT_EQ(InWorld([&](Host& host) {
              return InOrder(
                  {ErrorOf(host.Apply(Guarded(0))), Shell(kAccept), SendAndSee(kOutside, false)});
            }),
            "");
}

// Where a chain of the output hook sets a mark, the packet is routed anew: to another link than
// that which later chains of that hook are told.
TEST(KillSwitch, HoldsForPacketsThatAreRoutedAnew) {
  constexpr char kRouteAnew[] = R"(ip rule add fwmark 0x99 lookup 99
ip route add default via 192.168.5.254 table 99
nft -f - <<E
table inet admin {
  chain output { type route hook output priority -150; udp dport 9 meta mark set 0x99; }
}
E)";
  const Probe anew = {"routed anew", "10.14.0.1", false, false};
  EXPECT_EQ(InWorld([&](Host& host) {
              return InOrder({ErrorOf(host.Apply(WithoutKillSwitch(Guarded(0)))), Shell(kRouteAnew),
                              SendAndSee(anew, true), ErrorOf(host.Apply(Guarded(0))),
                              SendAndSee(anew, false)});
            }),
            "");
}

TEST(KillSwitch, StaysWhenWhatMadeItEnds) {
  EXPECT_EQ(InWorld([](Host& host) {
              auto other = std::make_unique<Host>("other", host.state_dir());
              const std::string wrong = ErrorOf(other->Apply(Guarded(0)));
              other.reset();
              return InOrder({wrong, SendAndSee(kOutside, false)});
            }),
            "");
}

TEST(KillSwitch, LetsOutByATunnelThatComesLater) {
  constexpr char kCome[] =
      "ip link add later type ifb; ip link set later up; ip route add 10.14.0.0/16 dev later";
  const auto later = [] {
    return SendAndSee({"by the tunnel", "10.14.0.1", true, true, 9, IPPROTO_UDP, 0, 64, 0, "later"},
                      true);
  };
  EXPECT_EQ(InWorld([&](Host& host) {
              return InOrder({ErrorOf(host.Apply(Node().Add(KillSwitch().Tunnel("later")))),
                              SendAndSee(kOutside, false), Shell(kCome), later(),
                              SendAndSee(kOutside, false)});
            }),
            "");
}

TEST(KillSwitch, LeavesNothingWhenItGoes) {
  EXPECT_EQ(InWorld([](Host& host) {
              return InOrder({ErrorOf(host.Apply(Guarded(0))), SendAndSee(kOutside, false),
                              ErrorOf(host.Apply(Node())), SendAndSee(kOutside, true),
                              Shell("nft list ruleset")});
            }),
            "");
}

TEST(KillSwitch, OfSeveralOwnersAllHold) {
  const Probe endpoint = {"to an endpoint", "192.168.5.2", true, true, kPort};
  EXPECT_EQ(
      InWorld([&](Host& host) {
        Host other("other", host.state_dir());
        return InOrder({ErrorOf(host.Apply(Guarded(0))), SendAndSee(endpoint, true),
                        ErrorOf(other.Apply(Node().Add(KillSwitch()))), SendAndSee(endpoint, false),
                        ErrorOf(other.Apply(Node())), SendAndSee(endpoint, true)});
      }),
      "");
}

}  // namespace
}  // namespace wgnet::testing
