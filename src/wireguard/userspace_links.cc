// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/wireguard/userspace_links.h"

#include <fmt/format.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <thread>

#include "src/netlink/codec.h"
#include "src/wireguard/tun.h"
#include "src/wireguard/uapi.h"

namespace wgnet::wireguard {
namespace {

using netlink::Bus;
using netlink::Bytes;
using netlink::kProgramError;

constexpr std::string_view kTunKind = "tun";
constexpr auto kPause = std::chrono::milliseconds(2);
constexpr auto kMostOfStart = std::chrono::seconds(5);
constexpr auto kMostOfDeath = std::chrono::milliseconds(200);
constexpr auto kMostOfEvent = std::chrono::seconds(2);  // a link's, on its way to the program

Outcome Failed(int error_number, std::string text = {}) { return {error_number, std::move(text)}; }

// A link's settings, without what makes it.
void PutSettings(uint32_t index, Bytes attributes, netlink::MessageWriter& out) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(index);
  out.Begin(RTM_NEWLINK, 0, header);
  netlink::ForEachAttribute(attributes, [&](uint16_t type, Bytes payload) {
    if (type != IFLA_IFNAME && type != IFLA_LINKINFO) out.Put(type, payload.data(), payload.size());
  });
}

// As of the kernel's own links: no address but those that are given to it.
void PutNoAddresses(uint32_t index, netlink::MessageWriter& out) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(index);
  out.Begin(RTM_NEWLINK, 0, header);
  out.Nest(IFLA_AF_SPEC, [&] {
    out.Nest(AF_INET6, [&] { out.Put(IFLA_INET6_ADDR_GEN_MODE, uint8_t{IN6_ADDR_GEN_MODE_NONE}); });
  });
}

}  // namespace

bool UserspaceLinks::HasProgram() const {
  if (program_.find('/') != std::string::npos) return access(program_.c_str(), X_OK) == 0;
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "/bin:/usr/bin";  // as execvp(3)
  while (true) {
    const std::string_view directory = rest.substr(0, rest.find(':'));
    const std::string file = fmt::format("{}/{}", directory.empty() ? "." : directory, program_);
    if (access(file.c_str(), X_OK) == 0) return true;
    if (directory.size() == rest.size()) return false;
    rest.remove_prefix(directory.size() + 1);
  }
}

bool UserspaceLinks::IsWireguard(std::string_view name, uint32_t group) const {
  return group == kernel::kLinkGroup || sockets_.Look(name) == SocketDirectory::State::kServed;
}

std::optional<kernel::Link> UserspaceLinks::Find(uint32_t index) {
  request_.Clear();
  netlink::MessageWriter out(request_, client_.sequence());
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(index);
  out.Begin(RTM_GETLINK, 0, header);
  kernel::PutNoStatistics(out);
  kernel::Link link;
  const auto outcome =
      client_.Read(Bus::kRoute, request_.bytes(), [&](const netlink::Message& message) {
        return netlink::DecodeMessage(message, netlink::ExtraMode::kDrop, link);
      });
  const bool is_tun =
      outcome.error_number == 0 && link.kind && link.name && link.kind->view() == kTunKind;
  if (!is_tun || !IsWireguard(link.name->view(), link.group.value_or(0))) return std::nullopt;
  return link;
}

Outcome UserspaceLinks::Create(uint32_t index, Bytes attributes) {
  kernel::Link link;
  if (!netlink::DecodeAttributes(attributes, netlink::ExtraMode::kDrop, link) || !link.name) {
    return Failed(EINVAL);
  }
  const std::string name = link.name->str();
  if (sockets_.Look(name) == SocketDirectory::State::kServed) {
    return Failed(EEXIST, fmt::format("a program serves an interface {} already, in this network "
                                      "namespace or another",
                                      name));
  }
  Outcome outcome;
  // The implementations differ in whether they open a link with one queue or with several.
  for (const bool multi_queue : {false, true}) {
    int error = 0;
    const auto tag = [&] { return Tag(name, link.group.value_or(0)).error_number; };
    const int entered = netns_.Run([&] { error = MakeTun(name, index, multi_queue, tag); });
    if (entered != 0) return Failed(entered);
    if (error == ENODEV || error == ENOENT || error == ENXIO) {
      return Failed(EOPNOTSUPP, "there is no /dev/net/tun for a userspace implementation");
    }
    if (error != 0) return Failed(error);
    outcome = Start(name);
    if (outcome.ok()) break;
    Remove(name);
    if (outcome.error_number != kProgramError) return outcome;
  }
  if (outcome.ok()) outcome = Configure(index, attributes);
  if (!outcome.ok()) Remove(name);
  return outcome;
}

Outcome UserspaceLinks::Tag(std::string_view name, uint32_t group) {
  request_.Clear();
  netlink::MessageWriter out(request_, client_.sequence());
  out.Begin(RTM_NEWLINK, 0, ifinfomsg{});
  out.PutString(IFLA_IFNAME, name);
  out.Put(IFLA_GROUP, group);
  return Change(request_.bytes());
}

// Waiting for an answer also waits for the MTU that wireguard-go sets when it starts.
Outcome UserspaceLinks::Start(std::string_view name) {
  static_cast<void>(sockets_.RemoveStale(name));
  const int status = transport_.Run({.arguments = {program_, std::string(name)}, .silent = true});
  if (status == -ENOENT || status == -EACCES) {
    return Failed(EOPNOTSUPP, fmt::format("{} is not in PATH", program_));
  }
  if (status < 0) return Failed(-status, fmt::format("{} cannot be run", program_));
  if (status != 0) {
    return Failed(kProgramError, fmt::format("{} {} ended with status {}", program_, name, status));
  }
  SecretBuffer answer;
  const bool serves =
      Await(kMostOfStart, [&] { return sockets_.Ask(name, kGetRequest, answer) == 0; });
  if (serves) return {};
  return Failed(kProgramError, fmt::format("{} {} does not answer", program_, name));
}

Outcome UserspaceLinks::Configure(uint32_t index, Bytes attributes) {
  request_.Clear();
  netlink::MessageWriter out(request_, client_.sequence());
  PutNoAddresses(index, out);
  static_cast<void>(Change(request_.bytes()));  // fails where there is no IPv6
  request_.Clear();
  netlink::MessageWriter settings(request_, client_.sequence());
  PutSettings(index, attributes, settings);
  return Change(request_.bytes());
}

Outcome UserspaceLinks::Change(Bytes message) {
  SecretBuffer copy;
  copy.Append(message.data(), message.size());
  auto& header = *reinterpret_cast<nlmsghdr*>(copy.data());
  header.nlmsg_seq = client_.sequence()++;
  const iovec part{copy.data(), copy.size()};
  Outcome outcome;
  const auto answered =
      client_.Change(Bus::kRoute, {&part, 1}, header, [&](const netlink::KernelError& error) {
        outcome = Failed(error.error_number, error.text.str());
      });
  if (answered.send_error != 0) return Failed(answered.send_error);
  if (outcome.ok() && (answered.lost || !answered.acknowledged)) return Failed(ENOBUFS);
  return outcome;
}

void UserspaceLinks::Remove(std::string_view name) {
  request_.Clear();
  netlink::MessageWriter out(request_, client_.sequence());
  out.Begin(RTM_DELLINK, 0, ifinfomsg{});
  out.PutString(IFLA_IFNAME, name);
  static_cast<void>(Change(request_.bytes()));
  kernel::Link link;
  link.name = FixedString<IFNAMSIZ - 1>(name);
  AwaitEnd(link);
}

// wireguard-go 20220316 has its port before the link is up; others get it then, and tell of none
// where that failed.
Outcome UserspaceLinks::BringUp(const kernel::Link& link, Bytes up) {
  Outcome outcome = Change(up);
  if (!outcome.ok()) return outcome;
  const bool bound = Await(kMostOfEvent, [&] {
    const uint16_t now = PortOf(link);
    return now != 0 && IsPortTaken(now);
  });
  if (bound) return {};
  request_.Clear();
  netlink::MessageWriter out(request_, client_.sequence());
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(*link.index);
  header.ifi_change = IFF_UP;
  out.Begin(RTM_NEWLINK, 0, header);
  static_cast<void>(Change(request_.bytes()));
  return sockets_.Look(link.name->view()) == SocketDirectory::State::kServed
             ? Failed(EADDRINUSE)
             : Ask(link, kGetRequest, request_);
}

bool UserspaceLinks::HasEnded(const kernel::Link& link) const {
  return Await(kMostOfDeath,
               [&] { return sockets_.Look(link.name->view()) != SocketDirectory::State::kServed; });
}

void UserspaceLinks::AwaitEnd(const kernel::Link& link) {
  const std::string_view name = link.name->view();
  Await(kMostOfEvent, [&] { return sockets_.Look(name) != SocketDirectory::State::kServed; });
  static_cast<void>(sockets_.RemoveStale(name));
}

Outcome UserspaceLinks::Ask(const kernel::Link& link, std::string_view request,
                            SecretBuffer& answer) const {
  const std::string_view name = link.name->view();
  const int error = sockets_.Ask(name, request, answer);
  if (error == 0) return {};
  if (error == EPERM) return Failed(EPERM);
  const std::string_view what = error == ETIMEDOUT ? "does not answer" : "has ended";
  return Failed(kProgramError, fmt::format("the program that serves {} {}", name, what));
}

bool UserspaceLinks::IsPortTaken(uint16_t port) const {
  bool taken = false;
  static_cast<void>(netns_.Run([&] { taken = wireguard::IsPortTaken(port); }));
  return taken;
}

uint16_t UserspaceLinks::PortOf(const kernel::Link& link) const {
  SecretBuffer answer;
  uint16_t port = 0;
  if (!Ask(link, kGetRequest, answer).ok()) return 0;
  static_cast<void>(ReadGetAnswer(
      answer.text(), [&](const kernel::WgDevice& device) { port = *device.listen_port; },
      [](const kernel::WgPeer&) {}));
  return port;
}

bool UserspaceLinks::Await(std::chrono::milliseconds most,
                           const std::function<bool()>& condition) const {
  const auto end = std::chrono::steady_clock::now() + most;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(kPause);
  }
  return true;
}

}  // namespace wgnet::wireguard
