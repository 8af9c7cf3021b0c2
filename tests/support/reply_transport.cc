// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/reply_transport.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>

#include "src/netlink/message.h"
#include "tests/support/allocations.h"

namespace wgnet::testing {
namespace {

using netlink::Bus;
using Bytes = std::span<std::byte>;

void FillWithNoise(Bytes bytes, std::mt19937& random) {
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
}

// Calls `visit(message)` for the bytes of each message.
template <class Visit>
void ForEachMessage(Bytes datagram, const Visit& visit) {
  while (datagram.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header;
    std::memcpy(&header, datagram.data(), sizeof header);
    visit(datagram.first(header.nlmsg_len));
    datagram = datagram.subspan(std::min<size_t>(NLMSG_ALIGN(header.nlmsg_len), datagram.size()));
  }
}

void Renumber(Bytes message, uint32_t by) {
  nlmsghdr header;
  std::memcpy(&header, message.data(), sizeof header);
  header.nlmsg_seq += by;
  std::memcpy(message.data(), &header, sizeof header);
}

// Words behind the family's header, where attributes have their lengths, become noise.
void BreakLengths(Bytes message, std::mt19937& random) {
  constexpr size_t kWord = sizeof(uint32_t);
  const size_t first = NLMSG_HDRLEN + kWord * (random() % 4);
  for (size_t at = first; at + kWord <= message.size(); at += kWord * (1 + random() % 8)) {
    const uint16_t length = static_cast<uint16_t>(random());
    std::memcpy(message.data() + at, &length, sizeof length);
  }
}

}  // namespace

void ReplyTransport::Arm(size_t reply, Spoil spoil, uint32_t seed) {
  reply_ = reply;
  spoil_ = spoil;
  seed_ = seed;
  last_seen_ = SIZE_MAX;
  replies_ = 0;
  fired_ = false;
  waiting_.clear();
}

void ReplyTransport::GoBlindFrom(size_t reply) {
  Disarm();
  last_seen_ = reply - 1;
}

ssize_t ReplyTransport::Give(const Datagram& datagram, Bytes buffer) const {
  if (datagram.size() > buffer.size()) return -EMSGSIZE;
  std::copy(datagram.begin(), datagram.end(), buffer.begin());
  return static_cast<ssize_t>(datagram.size());
}

ssize_t ReplyTransport::Receive(Bus bus, Bytes buffer) {
  const UncountedAllocations own;
  const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                  [&](const auto& entry) { return entry.first == bus; });
  if (found != waiting_.end()) {
    const Datagram datagram = std::move(found->second);
    waiting_.erase(found);
    return Give(datagram, buffer);
  }
  const ssize_t size = next().Receive(bus, buffer);
  if (size <= 0) return size;
  if (++replies_ > last_seen_) {
    fired_ = true;
    return -EIO;
  }
  if (replies_ != reply_) return size;
  fired_ = true;
  return SpoilReply(bus, buffer, static_cast<size_t>(size));
}

ssize_t ReplyTransport::SpoilReply(Bus bus, Bytes buffer, size_t size) {
  std::mt19937 random(seed_);
  const Bytes datagram = buffer.first(size);
  switch (spoil_) {
    case Spoil::kDropped:
      return Receive(bus, buffer);
    case Spoil::kLost:
      return -ENOBUFS;
    case Spoil::kDoubled:
      waiting_.emplace_back(bus, Datagram(datagram.begin(), datagram.end()));
      return static_cast<ssize_t>(size);
    case Spoil::kLate: {
      const Datagram late(datagram.begin(), datagram.end());
      const ssize_t next_size = Receive(bus, buffer);
      if (next_size < 0) return Give(late, buffer);
      waiting_.emplace_back(bus, late);
      return next_size;
    }
    case Spoil::kTruncated:
      return static_cast<ssize_t>(random() % size);
    case Spoil::kRenumbered:
      ForEachMessage(datagram, [&](Bytes message) { Renumber(message, 1 + random() % 3); });
      break;
    case Spoil::kNoise:
      FillWithNoise(datagram, random);
      break;
    case Spoil::kBroken:
      ForEachMessage(datagram, [&](Bytes message) {
        FillWithNoise(message.subspan(sizeof(nlmsghdr)), random);
      });
      break;
    case Spoil::kNested:
      ForEachMessage(datagram, [&](Bytes message) { BreakLengths(message, random); });
      break;
  }
  return static_cast<ssize_t>(size);
}

}  // namespace wgnet::testing
