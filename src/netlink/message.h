// SPDX-License-Identifier: MIT OR Apache-2.0
// Netlink messages as bytes: a writer with one sticky error, and readers that cannot over-read.
#ifndef WGNET_NETLINK_MESSAGE_H_
#define WGNET_NETLINK_MESSAGE_H_

#include <linux/netlink.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "src/base/secret_memory.h"

namespace wgnet::netlink {

using Bytes = std::span<const std::byte>;

/// Appends messages to a buffer. The first mistake sticks: later calls do nothing, and error()
/// says what it was.
class MessageWriter {
 public:
  /// Messages are numbered from `sequence` on; the counter is advanced as they begin.
  MessageWriter(SecretBuffer& out, uint32_t& sequence) : out_(out), sequence_(sequence) {}

  /// Begins a message.
  template <class Header>
  void Begin(uint16_t type, uint16_t flags, const Header& header) {
    BeginMessage(type, flags, &header, sizeof header);
  }
  void Put(uint16_t attribute, const void* data, size_t size);
  template <class T>
  requires std::integral<T>
  void Put(uint16_t attribute, T value) { Put(attribute, &value, sizeof value); }
  /// With its terminating zero.
  void PutString(uint16_t attribute, std::string_view text);
  /// Attributes as a dump gave them: headers, padding and all.
  void PutRaw(Bytes attributes);
  /// Whatever `body` puts stands inside the attribute.
  template <class Body>
  void Nest(uint16_t attribute, Body&& body) {
    const size_t start = BeginNest(attribute);
    body();
    EndNest(start);
  }
  /// Lets `fill(nlmsghdr*)` append at most `most` bytes to the current message by libmnl's rules.
  template <class Fill>
  void Extend(size_t most, Fill&& fill) {
    if (!ok()) return;
    nlmsghdr* message = PrepareExtend(most);
    fill(message);
    FinishExtend();
  }

  /// The family header of the current message.
  template <class Header>
  Header& header() {
    return *reinterpret_cast<Header*>(out_.data() + message_ + NLMSG_HDRLEN);
  }
  nlmsghdr& message() { return *reinterpret_cast<nlmsghdr*>(out_.data() + message_); }
  size_t message_size() const { return out_.size() - message_; }
  uint32_t message_sequence() const { return sequence_ - 1; }
  size_t size() const { return out_.size(); }

  /// Forgets what was written after size() was `size`, inside the current message. Open nests are
  /// not affected: they take their length when they end.
  void Truncate(size_t size);

  bool ok() const { return error_ == nullptr; }
  const char* error() const { return error_; }

 private:
  void BeginMessage(uint16_t type, uint16_t flags, const void* header, size_t size);
  std::byte* PutHeader(uint16_t attribute, size_t size);
  size_t BeginNest(uint16_t attribute);
  void EndNest(size_t start);
  nlmsghdr* PrepareExtend(size_t most);
  void FinishExtend();

  SecretBuffer& out_;
  uint32_t& sequence_;
  size_t message_ = 0;  // offset of the current message
  const char* error_ = nullptr;
};

/// Calls `visit(type, payload)` for each attribute; type without the NLA_F_ flags. False when a
/// length does not fit.
template <class Visit>
bool ForEachAttribute(Bytes attributes, Visit&& visit) {
  while (attributes.size() >= sizeof(nlattr)) {
    nlattr header;
    std::memcpy(&header, attributes.data(), sizeof header);
    if (header.nla_len < sizeof header || header.nla_len > attributes.size()) return false;
    visit(static_cast<uint16_t>(header.nla_type & NLA_TYPE_MASK),
          attributes.first(header.nla_len).subspan(sizeof header));
    const size_t step = NLA_ALIGN(header.nla_len);
    attributes = step < attributes.size() ? attributes.subspan(step) : Bytes();
  }
  return attributes.empty();
}

/// One message of a datagram.
struct Message {
  nlmsghdr header;
  Bytes payload;  // behind the nlmsghdr

  /// The family header, and the attributes behind it. False when it is too short for one.
  template <class Header>
  bool Split(Header& family_header, Bytes& attributes) const {
    if (payload.size() < sizeof family_header) return false;
    std::memcpy(&family_header, payload.data(), sizeof family_header);
    const size_t aligned = NLMSG_ALIGN(sizeof family_header);
    attributes = aligned < payload.size() ? payload.subspan(aligned) : Bytes();
    return true;
  }
};

/// Calls `visit(message)` for each message until it returns false. Returns false when a length
/// does not fit.
template <class Visit>
bool ForEachMessage(Bytes datagram, Visit&& visit) {
  while (datagram.size() >= sizeof(nlmsghdr)) {
    Message message;
    std::memcpy(&message.header, datagram.data(), sizeof message.header);
    const size_t length = message.header.nlmsg_len;
    if (length < sizeof(nlmsghdr) || length > datagram.size()) return false;
    message.payload = datagram.first(length).subspan(sizeof(nlmsghdr));
    if (!visit(message)) return true;
    const size_t step = (length + 3) & ~size_t{3};
    datagram = step < datagram.size() ? datagram.subspan(step) : Bytes();
  }
  return datagram.empty();
}

/// Copies a payload of exactly the value's size.
template <class T>
bool ReadExact(Bytes payload, T& value) {
  if (payload.size() != sizeof value) return false;
  std::memcpy(&value, payload.data(), sizeof value);
  return true;
}

}  // namespace wgnet::netlink

#endif  // WGNET_NETLINK_MESSAGE_H_
