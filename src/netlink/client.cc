// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/netlink/client.h"

#include "src/netlink/wire.h"

namespace wgnet::netlink {
namespace {

// The kernel builds dump datagrams of at most 32 KiB, but never more than was once asked for.
constexpr size_t kReceiveSize = 64 * 1024;

}  // namespace

Client::Client(Transport& transport) : transport_(transport), sequence_(1) {
  buffer_.Resize(kReceiveSize);
}

bool Client::Receive(Bus bus, int& error_number, Bytes& datagram) {
  const ssize_t size = transport_.Receive(bus, buffer_.bytes());
  if (size == -EAGAIN) {
    error_number = 0;
    return false;
  }
  if (size < 0) {
    error_number = static_cast<int>(-size);
    return false;
  }
  datagram = buffer_.bytes().first(static_cast<size_t>(size));
  return true;
}

void Client::Drain(Bus bus) {
  int error_number = 0;
  Bytes datagram;
  while (Receive(bus, error_number, datagram) || error_number == ENOBUFS) {
  }
}

int ErrnoOf(int32_t result) {
  constexpr int32_t kMostErrno = 4095;  // include/linux/err.h
  return result <= 0 && result >= -kMostErrno ? -result : EBADMSG;
}

bool ReadError(const Message& message, KernelError& error) {
  nlmsgerr body;
  if (message.payload.size() < sizeof body) return false;
  std::memcpy(&body, message.payload.data(), sizeof body);
  error = {.sequence = message.header.nlmsg_seq, .error_number = ErrnoOf(body.error)};
  if (body.error != -error.error_number) return false;
  if ((message.header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return true;
  // Without NETLINK_CAP_ACK, or for an error of an old kernel, the request's payload is in between.
  size_t skip = sizeof body;
  if ((message.header.nlmsg_flags & NLM_F_CAPPED) == 0) {
    skip += NLMSG_ALIGN(body.msg.nlmsg_len) - sizeof(nlmsghdr);
  }
  if (skip > message.payload.size()) return true;
  ForEachAttribute(message.payload.subspan(skip), [&](uint16_t type, Bytes payload) {
    if (type == NLMSGERR_ATTR_MSG) String<255>::Get(payload, error.text);
    if (type == NLMSGERR_ATTR_OFFS) U32::Get(payload, error.offset);
  });
  return true;
}

}  // namespace wgnet::netlink
