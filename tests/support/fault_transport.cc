// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/fault_transport.h"

#include <linux/genetlink.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "src/netlink/message.h"
#include "tests/support/allocations.h"

namespace wgnet::testing {
namespace {

using netlink::Bus;
using netlink::Bytes;

bool IsChange(Bus bus, const nlmsghdr& header, const std::byte* payload) {
  switch (bus) {
    case Bus::kRoute:
      return header.nlmsg_type >= RTM_BASE && header.nlmsg_type % 4 != 2;  // not RTM_GET*
    case Bus::kGeneric:
      return header.nlmsg_type != GENL_ID_CTRL &&
             static_cast<uint8_t>(*payload) == WG_CMD_SET_DEVICE;
    case Bus::kNetfilter:
      return header.nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES &&
             (header.nlmsg_flags & NLM_F_DUMP) == 0 && (header.nlmsg_type & 0xff) != 16;  // GETGEN
    case Bus::kSysctl:
    case Bus::kDns:
      break;
  }
  return false;
}

Bytes AttributesOf(const std::vector<std::byte>& bytes, size_t at) {
  nlmsghdr header;
  std::memcpy(&header, bytes.data() + at, sizeof header);
  return Bytes(bytes).subspan(at + NLMSG_HDRLEN + GENL_HDRLEN,
                              header.nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN);
}

// How many allowed IPs each peer of a SET_DEVICE has.
std::vector<size_t> PeersOf(const std::vector<std::byte>& bytes, size_t at) {
  std::vector<size_t> peers;
  netlink::ForEachAttribute(AttributesOf(bytes, at), [&](uint16_t type, Bytes list) {
    if (type != WGDEVICE_A_PEERS) return;
    netlink::ForEachAttribute(list, [&](uint16_t, Bytes peer) {
      peers.push_back(0);
      netlink::ForEachAttribute(peer, [&](uint16_t inner, Bytes ips) {
        if (inner != WGPEER_A_ALLOWEDIPS) return;
        netlink::ForEachAttribute(ips, [&](uint16_t, Bytes) { ++peers.back(); });
      });
    });
  });
  return peers;
}

// The public keys of a SET_DEVICE's peers.
std::vector<PublicKey> KeysOf(const std::vector<std::byte>& bytes, size_t at) {
  std::vector<PublicKey> keys;
  netlink::ForEachAttribute(AttributesOf(bytes, at), [&](uint16_t type, Bytes list) {
    if (type != WGDEVICE_A_PEERS) return;
    netlink::ForEachAttribute(list, [&](uint16_t, Bytes peer) {
      netlink::ForEachAttribute(peer, [&](uint16_t inner, Bytes key) {
        std::array<uint8_t, PublicKey::kSize> value;
        if (inner != WGPEER_A_PUBLIC_KEY || !netlink::ReadExact(key, value)) return;
        keys.emplace_back(std::span<const uint8_t, PublicKey::kSize>(value));
      });
    });
  });
  return keys;
}

// A SET_DEVICE with the first peers only, and of the next one the first allowed IPs.
void WritePartial(const std::vector<std::byte>& bytes, size_t at, const Fault::Partial& partial,
                  SecretBuffer& out) {
  nlmsghdr header;
  std::memcpy(&header, bytes.data() + at, sizeof header);
  uint32_t sequence = header.nlmsg_seq;
  netlink::MessageWriter writer(out, sequence);
  writer.Begin(header.nlmsg_type, 0, genlmsghdr{WG_CMD_SET_DEVICE, WG_GENL_VERSION, 0});
  netlink::ForEachAttribute(AttributesOf(bytes, at), [&](uint16_t type, Bytes payload) {
    if (type != WGDEVICE_A_PEERS) {
      writer.Put(type, payload.data(), payload.size());
      return;
    }
    size_t number = 0;
    writer.Nest(type, [&] {
      netlink::ForEachAttribute(payload, [&](uint16_t index, Bytes peer) {
        if (number++ > partial.peers) return;
        const size_t most = number <= partial.peers ? SIZE_MAX : partial.ips;
        writer.Nest(index, [&] {
          netlink::ForEachAttribute(peer, [&](uint16_t inner, Bytes value) {
            if (inner != WGPEER_A_ALLOWEDIPS) {
              writer.Put(inner, value.data(), value.size());
              return;
            }
            size_t ip = 0;
            writer.Nest(inner, [&] {
              netlink::ForEachAttribute(value, [&](uint16_t i, Bytes one) {
                if (ip++ < most)
                  writer.Put(static_cast<uint16_t>(i | NLA_F_NESTED), one.data(), one.size());
              });
            });
          });
        });
      });
    });
  });
}

}  // namespace

void FaultTransport::ArmAll(std::vector<Fault> faults) {
  faults_ = std::move(faults);
  staying_.clear();
  messages_ = 0;
  messages_to_failure_ = 0;
  left_ = faults_.size();
  peers_of_.clear();
  keys_of_.clear();
}

FaultTransport::FaultTransport(std::unique_ptr<netlink::Transport> inner)
    : ForwardingTransport(std::move(inner)) {
  if (DnsSystem* const dns = next().dns()) resolver_.emplace(*dns, [this] { return JudgeDns(); });
}

RefusingDns::Fate FaultTransport::JudgeDns() {
  using Fate = RefusingDns::Fate;
  const UncountedAllocations own;
  if (on_step_) on_step_();
  peers_of_.emplace_back();
  keys_of_.emplace_back();
  const Fault* const fault = Meet({Bus::kDns, 0, ""});
  EndSend();
  if (fault == nullptr) return Fate::kDone;
  return fault->done_though ? Fate::kDoneThough : Fate::kRefused;
}

const Fault* FaultTransport::Meet(const Sent& sent) {
  ++messages_;
  for (const Fault& fault : faults_) {
    if (fault.message != messages_) continue;
    --left_;
    if (fault.stays) staying_[sent] = fault;
    return &fault;
  }
  const auto found = staying_.find(sent);
  return found == staying_.end() ? nullptr : &found->second;
}

void FaultTransport::EndSend() {
  if (messages_to_failure_ == 0 && left_ < faults_.size()) messages_to_failure_ = messages_;
}

void FaultTransport::QueueError(Bus bus, uint32_t sequence, int error_number) {
  nlmsghdr header{};
  nlmsgerr error{};
  header.nlmsg_len = sizeof header + sizeof error;
  header.nlmsg_type = NLMSG_ERROR;
  header.nlmsg_flags = NLM_F_CAPPED;
  header.nlmsg_seq = sequence;
  error.error = -error_number;
  std::vector<std::byte> reply(sizeof header + sizeof error);
  std::memcpy(reply.data(), &header, sizeof header);
  std::memcpy(reply.data() + sizeof header, &error, sizeof error);
  replies_[static_cast<size_t>(bus)].push_back(std::move(reply));
}

bool FaultTransport::Withhold(const Fault& fault, Bus bus, std::vector<std::byte>& bytes,
                              size_t at) {
  nlmsghdr header;
  std::memcpy(&header, bytes.data() + at, sizeof header);
  QueueError(bus, header.nlmsg_seq, fault.error);
  if (bus == Bus::kNetfilter) return false;  // the kernel takes all of a batch, or none
  if (fault.partial && bus == Bus::kGeneric) {
    SecretBuffer part;
    WritePartial(bytes, at, *fault.partial, part);
    const iovec vector{part.data(), part.size()};
    next().Send(bus, {&vector, 1});
    std::array<std::byte, 4096> ignored;
    while (next().Receive(bus, ignored) > 0) {
    }
  }
  header.nlmsg_type = NLMSG_NOOP;  // the kernel passes over it
  header.nlmsg_flags = NLM_F_REQUEST;
  std::memcpy(bytes.data() + at, &header, sizeof header);
  return true;
}

int FaultTransport::Send(Bus bus, std::span<const iovec> parts) {
  const UncountedAllocations own;
  if (parts.size() > IOV_MAX) return EMSGSIZE;  // as sendmsg(2); below it is one part
  std::vector<std::byte> bytes;
  for (const iovec& part : parts) {
    const auto* data = static_cast<const std::byte*>(part.iov_base);
    bytes.insert(bytes.end(), data, data + part.iov_len);
  }
  bool changes = false;
  for (size_t at = 0; at < bytes.size();) {
    nlmsghdr header;
    std::memcpy(&header, bytes.data() + at, sizeof header);
    if (IsChange(bus, header, bytes.data() + at + NLMSG_HDRLEN)) {
      changes = true;
      peers_of_.push_back(bus == Bus::kGeneric ? PeersOf(bytes, at) : std::vector<size_t>());
      keys_of_.push_back(bus == Bus::kGeneric ? KeysOf(bytes, at) : std::vector<PublicKey>());
      const Fault* const fault = Meet({bus, header.nlmsg_seq, ""});
      if (fault != nullptr && !Withhold(*fault, bus, bytes, at)) {
        EndSend();
        return 0;
      }
    }
    at += NLMSG_ALIGN(header.nlmsg_len);
  }
  EndSend();
  const iovec whole{bytes.data(), bytes.size()};
  const int error = next().Send(bus, {&whole, 1});
  if (changes && on_step_) on_step_();
  return error;
}

ssize_t FaultTransport::Receive(Bus bus, std::span<std::byte> buffer) {
  const UncountedAllocations own;
  auto& queue = replies_[static_cast<size_t>(bus)];
  if (queue.empty()) return next().Receive(bus, buffer);
  const std::vector<std::byte> reply = std::move(queue.front());
  queue.pop_front();
  std::copy(reply.begin(), reply.end(), buffer.begin());
  return static_cast<ssize_t>(reply.size());
}

int FaultTransport::WriteSetting(int handle, std::string_view value) {
  const UncountedAllocations own;
  peers_of_.emplace_back();
  keys_of_.emplace_back();
  const Fault* const fault =
      Meet({Bus::kSysctl, static_cast<uint32_t>(handle), std::string(value)});
  EndSend();
  if (fault != nullptr) return fault->error;
  const int error = next().WriteSetting(handle, value);
  if (on_step_) on_step_();
  return error;
}

}  // namespace wgnet::testing
