// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/leak_watch.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <new>
#include <string_view>

#include "src/netlink/kernel_transport.h"
#include "src/plan/reader.h"
#include "src/plan/snapshot.h"
#include "tests/support/sandbox.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

// UDP in a new flow, UDP in a held flow, ICMP: here; and both kinds of UDP behind. Of each family.
constexpr size_t kSendersHere = 6;
constexpr size_t kSenders = 10;
constexpr std::string_view kMagic = "leak";  // then the sender's number, as a letter
constexpr char kEcho = 8;                    // ICMP_ECHO, and ICMPV6_ECHO_REQUEST
constexpr char kEcho6 = static_cast<char>(128);
constexpr uint16_t kWireguardPort = 51820;
constexpr useconds_t kPause = 500;

using Packet = std::array<char, 5>;

Packet PacketOf(size_t sender) {
  Packet packet;
  std::copy(kMagic.begin(), kMagic.end(), packet.begin());
  packet.back() = static_cast<char>('a' + sender);
  return packet;
}

struct Destination {
  sockaddr_storage address{};
  socklen_t size = 0;
};

// Somewhere outside.
Destination DestinationOf(int family) {
  Destination destination;
  if (family == AF_INET) {
    auto& in = reinterpret_cast<sockaddr_in&>(destination.address);
    in.sin_family = AF_INET;
    in.sin_port = htons(9);
    inet_pton(AF_INET, "198.51.100.7", &in.sin_addr);
    destination.size = sizeof in;
  } else {
    auto& in = reinterpret_cast<sockaddr_in6&>(destination.address);
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(9);
    inet_pton(AF_INET6, "2001:db8:9::7", &in.sin6_addr);
    destination.size = sizeof in;
  }
  return destination;
}

// One of the senders; a port of ICMP means nothing.
class Sender {
 public:
  Sender(size_t number, int family, int protocol, bool held)
      : packet_(PacketOf(number)),
        to_(DestinationOf(family)),
        family_(family),
        protocol_(protocol),
        held_(held) {}

  void Send() {
    if (fd_ < 0) {
      const int type = protocol_ == IPPROTO_UDP ? SOCK_DGRAM : SOCK_RAW;
      fd_ = socket(family_, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol_);
    }
    char data[8 + std::tuple_size_v<Packet>] = {};
    data[0] = family_ == AF_INET ? kEcho : kEcho6;
    char* at = protocol_ == IPPROTO_UDP ? data : data + 8;
    std::copy(packet_.begin(), packet_.end(), at);
    auto to = to_;
    if (protocol_ != IPPROTO_UDP && family_ == AF_INET6) {
      reinterpret_cast<sockaddr_in6&>(to.address).sin6_port = 0;
    }
    sendto(fd_, data, static_cast<size_t>(at - data) + packet_.size(), 0,
           reinterpret_cast<const sockaddr*>(&to.address), to.size);
    if (held_) return;
    close(fd_);
    fd_ = -1;
  }

 private:
  Packet packet_;
  Destination to_;
  int family_;
  int protocol_;
  bool held_;
  int fd_ = -1;
};

std::vector<Sender> SendersHere() {
  std::vector<Sender> senders;
  for (const int family : {AF_INET, AF_INET6}) {
    const int icmp = family == AF_INET ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
    senders.emplace_back(senders.size(), family, IPPROTO_UDP, false);
    senders.emplace_back(senders.size(), family, IPPROTO_UDP, true);
    senders.emplace_back(senders.size(), family, icmp, true);
  }
  return senders;
}

std::vector<Sender> SendersBehind() {
  std::vector<Sender> senders;
  for (const int family : {AF_INET, AF_INET6}) {
    for (const bool held : {false, true}) {
      senders.emplace_back(kSendersHere + senders.size(), family, IPPROTO_UDP, held);
    }
  }
  return senders;
}

int OpenCapture(const char* link) {
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(if_nametoindex(link));
  const int room = 32 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? fd : -1;
}

bool IsForWireguard(std::string_view frame) {
  const size_t ip = ETH_HLEN;
  const size_t udp = ip + 20;
  if (frame.size() < udp + 4 || frame[ip] != 0x45 || frame[ip + 9] != IPPROTO_UDP) return false;
  const auto high = static_cast<uint8_t>(frame[udp + 2]);
  const auto low = static_cast<uint8_t>(frame[udp + 3]);
  return high * 256 + low == kWireguardPort;
}

template <class Body>
pid_t Fork(const Body& body) {
  fflush(nullptr);
  const pid_t child = fork();
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  body();
  _exit(0);
}

// Whether a table has the kill switch, and whether there is the tunnel.
std::pair<bool, bool> Look() {
  auto transport = *netlink::KernelTransport::Open(*netlink::NetworkNamespace::Open(""));
  netlink::Client client(*transport);
  plan::Reader reader(client, netlink::ExtraMode::kDrop);
  plan::Scope scope;
  scope.base_chains = true;
  plan::Snapshot snapshot;
  if (!reader.Read(scope, snapshot)) return {};
  const bool up = std::any_of(snapshot.objects().begin(), snapshot.objects().end(),
                              [](const kernel::Object& object) {
                                const auto* chain = std::get_if<kernel::NftChain>(&object);
                                return chain != nullptr && chain->name->view() == "kill-switch";
                              });
  return {up, if_nametoindex("wg0") != 0};
}

}  // namespace

struct LeakWatch::Shared {
  std::atomic<bool> stop = false;
  std::array<std::atomic<size_t>, 2> rounds = {};  // here, behind
  std::array<std::atomic<size_t>, kSenders> leaked = {};
  std::atomic<size_t> encrypted = 0;
  std::atomic<size_t> missed = 0;

  // Of observers, of whom there is one at a time.
  bool was_up = false;
  size_t leaked_before = 0;
  size_t points = 0;
  std::array<char, 200> wrong = {};

  size_t AllLeaked() const {
    size_t all = 0;
    for (const auto& each : leaked) all += each;
    return all;
  }

  // A new link carries packets after a moment.
  bool SeesAllWithin(std::chrono::seconds time) const {
    const auto end = std::chrono::steady_clock::now() + time;
    const auto is_seen = [](const std::atomic<size_t>& each) { return each > 0; };
    while (!std::all_of(leaked.begin(), leaked.end(), is_seen)) {
      if (std::chrono::steady_clock::now() > end) return false;
      usleep(kPause);
    }
    return true;
  }

  // A round here ends with counting what the uplink had; the one behind may be on its way then.
  void AwaitRounds() const {
    const auto await = [&](size_t place, size_t number) {
      for (const size_t until = rounds[place] + number; rounds[place] < until;) usleep(kPause / 2);
    };
    await(1, 2);
    await(0, 2);
  }

  void Note(const std::string& what) {
    if (wrong[0] == 0) what.copy(wrong.data(), wrong.size() - 1);
  }
};

LeakWatch::LeakWatch()
    : shared_(static_cast<Shared*>(mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                                        MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
  new (shared_) Shared;
  MakeUplink("eth0", "192.168.5.1/24");
  behind_ = Fork([&] { SendBehind(); });
  error_ = Prepare();
  if (!error_.empty()) return;
  here_ = Fork([&] { SendHere(); });
  if (!shared_->SeesAllWithin(std::chrono::seconds(60))) error_ = "a sender is not seen";
}

LeakWatch::~LeakWatch() {
  shared_->stop = true;
  for (const pid_t child : {here_, behind_}) {
    if (child > 0) waitpid(child, nullptr, 0);
  }
  munmap(shared_, sizeof(Shared));
}

std::string LeakWatch::Prepare() {
  return Shell(fmt::format(R"sh(set -e
ip route add default via 192.168.5.254
ip -6 address add fd05::1/64 dev eth0 nodad
ip -6 route add default via fd05::fe
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
while [ "$(readlink /proc/{0}/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
ip link add lan0 type veth peer name eth0 netns {0}
ip address add 10.5.0.1/24 dev lan0
ip -6 address add fd06::1/64 dev lan0 nodad
ip link set lan0 up
nsenter --net=/proc/{0}/ns/net sh -e <<'E'
ip address add 10.5.0.2/24 dev eth0
ip -6 address add fd06::2/64 dev eth0 nodad
ip link set eth0 up
ip route add default via 10.5.0.1
ip -6 route add default via fd06::1
E
)sh",
                           behind_));
}

void LeakWatch::SendHere() {
  auto senders = SendersHere();
  const int capture = OpenCapture("eth0");
  if (capture < 0) _exit(1);
  std::array<char, 2048> buffer;
  while (!shared_->stop) {
    for (Sender& sender : senders) sender.Send();
    ssize_t size;
    while ((size = recv(capture, buffer.data(), buffer.size(), 0)) > 0) {
      const std::string_view frame(buffer.data(), static_cast<size_t>(size));
      const size_t at = frame.find(kMagic);
      if (at != frame.npos && at + kMagic.size() < frame.size()) {
        const auto sender = static_cast<size_t>(frame[at + kMagic.size()] - 'a');
        if (sender < kSenders) ++shared_->leaked[sender];
      }
      if (IsForWireguard(frame)) ++shared_->encrypted;
    }
    tpacket_stats statistics{};
    socklen_t length = sizeof statistics;
    getsockopt(capture, SOL_PACKET, PACKET_STATISTICS, &statistics, &length);
    shared_->missed += statistics.tp_drops;
    ++shared_->rounds[0];
    usleep(kPause);
  }
}

void LeakWatch::SendBehind() {
  if (unshare(CLONE_NEWNET) != 0) _exit(1);
  auto senders = SendersBehind();
  while (!shared_->stop) {
    for (Sender& sender : senders) sender.Send();
    ++shared_->rounds[1];
    usleep(kPause);
  }
}

void LeakWatch::Observe() {
  shared_->AwaitRounds();
  const auto [up, tunnel] = Look();
  if (up && !shared_->was_up) shared_->AwaitRounds();  // what had left before is counted
  const size_t leaked = shared_->AllLeaked();
  if (up && shared_->was_up && leaked != shared_->leaked_before) {
    shared_->Note(fmt::format("{} marked packets left after {} points",
                              leaked - shared_->leaked_before, shared_->points));
  }
  if (tunnel && !up) shared_->Note("there is a tunnel without a kill switch");
  shared_->was_up = up;
  shared_->leaked_before = leaked;
  if (up) ++shared_->points;
}

std::string LeakWatch::wrong() const {
  if (shared_->missed != 0) return fmt::format("{} packets were missed", missed());
  return shared_->wrong.data();
}

size_t LeakWatch::points() const { return shared_->points; }

size_t LeakWatch::sent() const {
  return shared_->rounds[0] * kSendersHere + shared_->rounds[1] * (kSenders - kSendersHere);
}

std::vector<size_t> LeakWatch::leaked() const {
  return {shared_->leaked.begin(), shared_->leaked.end()};
}

size_t LeakWatch::encrypted() const { return shared_->encrypted; }
size_t LeakWatch::missed() const { return shared_->missed; }

namespace {

Interface Tunnel() {
  return Interface("wg0")
      .PrivateKey(TestKey("own"))
      .ListenPort(51820)
      .Address("10.13.13.2/32")
      .Address("fd13::2/128");
}

Peer PeerAt(std::string_view name, std::string_view endpoint) {
  return Peer(TestKey(name).Public()).Endpoint(endpoint);
}

Peer ExitAt(std::string_view endpoint) {
  return PeerAt("exit", endpoint).AllowedIp("0.0.0.0/0").AllowedIp("::/0");
}

Node Guarded(Interface interface) { return Node().Add(std::move(interface)).Add(KillSwitch()); }

}  // namespace

std::vector<LeakStep> LeakWalk() {
  const std::string first = "192.168.5.198:51820";
  const std::string second = "192.168.5.199:51820";
  const Peer partner = PeerAt("partner", second).AllowedIp("10.14.0.0/16");
  const Peer third = PeerAt("third", "192.168.5.200:4000").AllowedIp("10.15.0.0/16");
  const Node alone = Node().Add(KillSwitch());
  const Node unmarked = Guarded(Tunnel().Table("off").AddPeer(ExitAt(first)));
  const std::pair<const char*, Node> kNodes[] = {
      {"Comes", Guarded(Tunnel().AddPeer(ExitAt(first)))},
      {"EndpointMovesPeerComes", Guarded(Tunnel().AddPeer(ExitAt(second)).AddPeer(partner))},
      {"MarkGoes", unmarked},
      {"EndpointsCome",
       Guarded(Tunnel().Table("off").AddPeer(ExitAt(first)).AddPeer(partner).AddPeer(third))},
      {"EndpointMoves",
       Guarded(Tunnel().Table("off").AddPeer(ExitAt("192.168.5.201:51820")).AddPeer(third))},
      {"MarkComes", Guarded(Tunnel().FwMark(0x77).AddPeer(ExitAt(first)))},
      {"TunnelGoes", alone},
      {"UnmarkedTunnelComes", unmarked},
      {"UnmarkedTunnelGoes", alone},
      {"TunnelComesWithNat",
       Guarded(Tunnel().AddPeer(ExitAt(first))).Add(NatRule::Masquerade().OutInterface("wg0"))},
      {"Goes", alone},
      {"SwitchGoes", Node()},
      {"ComesAgain", Guarded(Tunnel().AddPeer(ExitAt(first)))},
      {"GoesWithTheTunnel", Node()},
  };
  std::vector<LeakStep> steps;
  Node before;
  for (const auto& [name, after] : kNodes) {
    steps.push_back({name, before, after});
    before = after;
  }
  return steps;
}

Node WithoutKillSwitch(const Node& node) {
  Node left;
  for (const auto& part : node.interfaces()) left.Add(part);
  for (const auto& part : node.nat_rules()) left.Add(part);
  return left;
}

}  // namespace wgnet::testing
