// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/wireguard/userspace_transport.h"

#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/wireguard.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "src/netlink/codec.h"
#include "src/netlink/generic_family.h"
#include "src/wireguard/dump_writer.h"
#include "src/wireguard/uapi.h"

namespace wgnet::wireguard {
namespace {

using netlink::Bus;
using netlink::Bytes;

// Above all numbers that the kernel gives to families (GENL_MAX_ID).
constexpr uint16_t kOwnFamily = 0xfff0;
constexpr size_t kIpsPerMessage = 512;  // 20 KiB of IPv6

// Until `visit(header, bytes)` returns an errno. Each part holds whole messages.
template <class Visit>
int ForEachOutgoing(std::span<const iovec> parts, Visit&& visit) {
  int error = 0;
  for (const iovec& part : parts) {
    const Bytes bytes(static_cast<const std::byte*>(part.iov_base), part.iov_len);
    size_t at = 0;
    netlink::ForEachMessage(bytes, [&](const netlink::Message& message) {
      const size_t size =
          std::min<size_t>(NLMSG_ALIGN(message.header.nlmsg_len), bytes.size() - at);
      error = visit(message.header, bytes.subspan(at, size));
      at += size;
      return error == 0;
    });
    if (error != 0) return error;
  }
  return 0;
}

bool IsKind(Bytes linkinfo, std::string_view wanted) {
  bool is = false;
  netlink::ForEachAttribute(linkinfo, [&](uint16_t type, Bytes payload) {
    const std::string_view kind(reinterpret_cast<const char*>(payload.data()), payload.size());
    is = is || (type == IFLA_INFO_KIND && kind.substr(0, kind.find('\0')) == wanted);
  });
  return is;
}

bool MakesWireguard(uint16_t flags, Bytes attributes) {
  bool makes = false;
  if ((flags & NLM_F_CREATE) == 0) return false;
  netlink::ForEachAttribute(attributes, [&](uint16_t type, Bytes payload) {
    makes = makes || (type == IFLA_LINKINFO && IsKind(payload, WG_GENL_NAME));
  });
  return makes;
}

bool BringsUp(uint16_t type, const ifinfomsg& header) {
  return type == RTM_NEWLINK && (header.ifi_change & header.ifi_flags & IFF_UP) != 0;
}

bool AsksForWireguard(const netlink::Message& message) {
  genlmsghdr header;
  Bytes attributes;
  bool asks = false;
  if (message.header.nlmsg_type != GENL_ID_CTRL || !message.Split(header, attributes) ||
      header.cmd != CTRL_CMD_GETFAMILY) {
    return false;
  }
  netlink::ForEachAttribute(attributes, [&](uint16_t type, Bytes payload) {
    const std::string_view name(reinterpret_cast<const char*>(payload.data()), payload.size());
    asks =
        asks || (type == CTRL_ATTR_FAMILY_NAME && name.substr(0, name.find('\0')) == WG_GENL_NAME);
  });
  return asks;
}

// Says of a link that it is WireGuard's, in the room that its tun settings had.
void WriteKind(std::span<std::byte> linkinfo) {
  constexpr size_t kKindSize = NLA_HDRLEN + sizeof WG_GENL_NAME;
  if (linkinfo.size() < NLA_ALIGN(kKindSize)) return;
  std::fill(linkinfo.begin(), linkinfo.end(), std::byte{});
  const nlattr kind{kKindSize, IFLA_INFO_KIND};
  std::memcpy(linkinfo.data(), &kind, sizeof kind);
  std::memcpy(linkinfo.data() + NLA_HDRLEN, WG_GENL_NAME, sizeof WG_GENL_NAME);
  const auto rest = linkinfo.subspan(NLA_ALIGN(kKindSize));
  if (rest.size() < NLA_HDRLEN) return;
  const nlattr data{static_cast<uint16_t>(rest.size()), IFLA_INFO_DATA};
  std::memcpy(rest.data(), &data, sizeof data);
}

// Whether the device is made by it, or may as well be; see kernel::Encode.
bool IsWhole(const kernel::WgDevice& wanted, Bytes attributes) {
  bool whole = wanted.private_key.has_value();
  netlink::ForEachAttribute(
      attributes, [&](uint16_t type, Bytes) { whole = whole || type == WGDEVICE_A_FLAGS; });
  return whole;
}

}  // namespace

UserspaceTransport::UserspaceTransport(std::unique_ptr<netlink::Transport> inner,
                                       const netlink::NetworkNamespace& netns, std::string program,
                                       SocketDirectory sockets)
    : ForwardingTransport(std::move(inner)),
      links_(next(), netns, std::move(program), std::move(sockets)) {}

// ---- which messages are for us ----

// A module may be loaded at any time, so only a kernel that has it is not asked again.
bool UserspaceTransport::KernelLacksWireguard() {
  if (lacks_wireguard_ == false) return false;
  uint16_t family = 0;
  const auto outcome = netlink::ReadGenericFamily(WG_GENL_NAME, links_.client(), request_, family);
  lacks_wireguard_ = outcome.error_number == ENOENT;
  family_ = family != 0 ? family : kOwnFamily;
  return *lacks_wireguard_;
}

bool UserspaceTransport::ConcernsLinks(const Outgoing& out) {
  const uint16_t type = out.header.nlmsg_type;
  ifinfomsg header;
  Bytes attributes;
  if ((type != RTM_NEWLINK && type != RTM_DELLINK) || !out.message().Split(header, attributes)) {
    return false;
  }
  if (type == RTM_NEWLINK && MakesWireguard(out.header.nlmsg_flags, attributes)) {
    return KernelLacksWireguard();
  }
  return (type == RTM_DELLINK || BringsUp(type, header)) && links_.sockets().HasAny();
}

bool UserspaceTransport::ConcernsDevices(const Outgoing& out) {
  if (AsksForWireguard(out.message())) return true;
  if (out.header.nlmsg_type < NLMSG_MIN_TYPE || out.header.nlmsg_type != family_) return false;
  return family_ == kOwnFamily || links_.sockets().HasAny();
}

bool UserspaceTransport::Concerns(Bus bus, std::span<const iovec> parts) {
  if (bus != Bus::kRoute && bus != Bus::kGeneric) return false;
  return ForEachOutgoing(parts, [&](const nlmsghdr& header, Bytes bytes) {
           const Outgoing out{header, bytes};
           return static_cast<int>(bus == Bus::kRoute ? ConcernsLinks(out) : ConcernsDevices(out));
         }) != 0;
}

// ---- messages between ours go on together ----

void UserspaceTransport::Forward(const Outgoing& out) {
  auto* begin = const_cast<std::byte*>(out.bytes.data());
  if (!run_.empty() &&
      static_cast<std::byte*>(run_.back().iov_base) + run_.back().iov_len == begin) {
    run_.back().iov_len += out.bytes.size();
  } else {
    run_.push_back({begin, out.bytes.size()});
  }
}

int UserspaceTransport::Flush(Bus bus) {
  if (run_.empty()) return 0;
  const int error = next().Send(bus, run_);
  run_.clear();
  if (error == 0) Collect(bus);
  return error;
}

// So that no question of ours meets the answer to another.
void UserspaceTransport::Collect(Bus bus) {
  constexpr size_t kMostDatagram = 64 * 1024;
  answer_.Resize(kMostDatagram);
  while (true) {
    const ssize_t size = next().Receive(bus, answer_.bytes());
    if (size == -EAGAIN) break;
    if (size < 0) {
      RepliesOf(bus).Lose(static_cast<int>(-size));
      if (size != -ENOBUFS) break;
    } else {
      RepliesOf(bus).Append(answer_.bytes().first(static_cast<size_t>(size)));
    }
  }
  answer_.Clear();
}

int UserspaceTransport::Send(Bus bus, std::span<const iovec> parts) {
  try {
    return Concerns(bus, parts) ? SendEach(bus, parts) : next().Send(bus, parts);
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  }
}

int UserspaceTransport::SendEach(Bus bus, std::span<const iovec> parts) {
  run_.clear();
  const int error = ForEachOutgoing(parts, [&](const nlmsghdr& header, Bytes bytes) {
    const Outgoing out{header, bytes};
    const bool ours = bus == Bus::kRoute ? ConcernsLinks(out) : ConcernsDevices(out);
    if (!ours) {
      Forward(out);
      return 0;
    }
    if (const int failed = Flush(bus)) return failed;
    return bus == Bus::kRoute ? SendLink(out) : SendGeneric(out);
  });
  return error != 0 ? error : Flush(bus);
}

ssize_t UserspaceTransport::Receive(Bus bus, std::span<std::byte> buffer) {
  if (bus != Bus::kRoute && bus != Bus::kGeneric) return next().Receive(bus, buffer);
  const bool queued = !RepliesOf(bus).empty();
  const ssize_t size = queued ? RepliesOf(bus).Receive(buffer) : next().Receive(bus, buffer);
  if (size > 0 && bus == Bus::kRoute) RenameKinds(buffer.first(static_cast<size_t>(size)));
  return size;
}

// ---- links ----

int UserspaceTransport::SendLink(const Outgoing& out) {
  ifinfomsg header;
  Bytes attributes;
  if (!out.message().Split(header, attributes)) return EBADMSG;
  const auto index = static_cast<uint32_t>(header.ifi_index);
  const uint16_t type = out.header.nlmsg_type;
  if (type == RTM_NEWLINK && MakesWireguard(out.header.nlmsg_flags, attributes)) {
    const Outcome made = links_.Create(index, attributes);
    RepliesOf(Bus::kRoute).Answer(out.header, made.error_number, made.text);
    return 0;
  }
  const auto link = links_.Find(index);
  const bool served =
      link && links_.sockets().Look(link->name->view()) == SocketDirectory::State::kServed;
  if (link && type == RTM_DELLINK) {
    Forward(out);
    const int error = Flush(Bus::kRoute);
    if (error == 0 && !links_.Find(index)) links_.AwaitEnd(*link);
    return error;
  }
  if (served && type == RTM_NEWLINK && !link->up.value_or(false)) {
    const Outcome up = links_.BringUp(*link, out.bytes);
    RepliesOf(Bus::kRoute).Answer(out.header, up.error_number, up.text);
    return 0;
  }
  Forward(out);
  return 0;
}

void UserspaceTransport::RenameKinds(std::span<std::byte> datagram) {
  netlink::ForEachMessage(datagram, [&](const netlink::Message& message) {
    ifinfomsg header;
    Bytes attributes;
    if (message.header.nlmsg_type != RTM_NEWLINK || !message.Split(header, attributes)) return true;
    FixedString<IFNAMSIZ - 1> name;
    uint32_t group = 0;
    Bytes linkinfo;
    netlink::ForEachAttribute(attributes, [&](uint16_t type, Bytes payload) {
      if (type == IFLA_IFNAME) netlink::String<IFNAMSIZ - 1>::Get(payload, name);
      if (type == IFLA_GROUP) netlink::ReadExact(payload, group);
      if (type == IFLA_LINKINFO && IsKind(payload, "tun")) linkinfo = payload;
    });
    if (linkinfo.empty() || !links_.IsWireguard(name.view(), group)) return true;
    WriteKind({const_cast<std::byte*>(linkinfo.data()), linkinfo.size()});
    return true;
  });
}

// ---- devices ----

int UserspaceTransport::SendGeneric(const Outgoing& out) {
  if (!AsksForWireguard(out.message())) return AnswerDevice(out);
  if (KernelLacksWireguard()) {
    AnswerFamily(out.header);
  } else {
    Forward(out);
  }
  return 0;
}

void UserspaceTransport::AnswerFamily(const nlmsghdr& request) {
  if (!links_.HasProgram() && !links_.sockets().HasAny()) {
    RepliesOf(Bus::kGeneric).Answer(request, ENOENT);
    return;
  }
  RepliesOf(Bus::kGeneric).Write(request, [&](netlink::MessageWriter& out) {
    out.Begin(GENL_ID_CTRL, 0, genlmsghdr{CTRL_CMD_NEWFAMILY, 2, 0});
    out.Put(CTRL_ATTR_FAMILY_ID, family_);
  });
}

int UserspaceTransport::AnswerDevice(const Outgoing& out) {
  genlmsghdr header;
  Bytes attributes;
  kernel::WgDevice wanted;
  auto& replies = RepliesOf(Bus::kGeneric);
  if (!out.message().Split(header, attributes) ||
      !netlink::DecodeAttributes(attributes, netlink::ExtraMode::kDrop, wanted) || !wanted.dev) {
    replies.Answer(out.header, EINVAL);
    return 0;
  }
  const auto link = links_.Find(wanted.dev->index);
  if (!link && family_ != kOwnFamily) {
    Forward(out);
  } else if (!link) {
    replies.Answer(out.header, EOPNOTSUPP);  // another kind of link
  } else if (header.cmd == WG_CMD_GET_DEVICE) {
    Dump(out.header, *link);
  } else {
    const Outcome set = Set(*link, wanted, attributes);
    replies.Answer(out.header, set.error_number, set.text);
  }
  return 0;
}

// A dead program's device is not there: what makes it anew starts the program.
void UserspaceTransport::Dump(const nlmsghdr& request, const kernel::Link& link) {
  auto& replies = RepliesOf(Bus::kGeneric);
  if (links_.sockets().Look(link.name->view()) != SocketDirectory::State::kServed) {
    replies.Answer(request, ENODEV);
    return;
  }
  const Outcome asked = links_.Ask(link, kGetRequest, answer_);
  if (!asked.ok()) {
    const bool ended = asked.error_number == netlink::kProgramError && links_.HasEnded(link);
    replies.Answer(request, ended ? ENODEV : asked.error_number, ended ? "" : asked.text);
    return;
  }
  DumpWriter dump(request, family_, kIpsPerMessage, replies);
  const int error = ReadGetAnswer(
      answer_.text(),
      [&](const kernel::WgDevice& device) {
        kernel::WgDevice shown = device;
        shown.dev = link.ref();
        dump.Device(shown);
      },
      [&](const kernel::WgPeer& peer) { dump.Peer(peer); });
  if (error != 0) {
    replies.Answer(request, error, "the program that serves the interface does not tell its state");
  } else {
    replies.Done(request);
  }
}

// A program that has not got its new port has lost its old one.
bool UserspaceTransport::WantsTakenPort(const kernel::Link& link,
                                        const kernel::WgDevice& wanted) const {
  return wanted.listen_port.value_or(0) != 0 && *wanted.listen_port != links_.PortOf(link) &&
         links_.IsPortTaken(*wanted.listen_port);
}

Outcome UserspaceTransport::Set(const kernel::Link& link, const kernel::WgDevice& wanted,
                                Bytes attributes) {
  const bool served = links_.sockets().Look(link.name->view()) == SocketDirectory::State::kServed;
  if (!served && IsWhole(wanted, attributes)) {
    const Outcome started = links_.Start(link.name->view());
    if (!started.ok()) return {netlink::kProgramError, started.text};
  }
  if (WantsTakenPort(link, wanted)) return {EADDRINUSE, {}};
  request_.Clear();
  if (const int error = EncodeSet(attributes, request_)) return {error, {}};
  const Outcome asked = links_.Ask(link, request_.text(), answer_);
  if (!asked.ok()) return asked;
  return {ReadSetAnswer(answer_.text()), {}};
}

}  // namespace wgnet::wireguard
