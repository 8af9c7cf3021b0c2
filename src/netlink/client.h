// SPDX-License-Identifier: MIT OR Apache-2.0
// Requests to the kernel and their answers. Apart from its construction, nothing here allocates.
#ifndef WGNET_NETLINK_CLIENT_H_
#define WGNET_NETLINK_CLIENT_H_

#include <cerrno>
#include <cstdint>
#include <span>

#include "src/base/fixed_string.h"
#include "src/base/secret_memory.h"
#include "src/netlink/message.h"
#include "src/netlink/transport.h"

namespace wgnet::netlink {

/// One NLMSG_ERROR with an error in it.
struct KernelError {
  uint32_t sequence = 0;
  int error_number = 0;
  FixedString<255> text;  // NLMSGERR_ATTR_MSG
  uint32_t offset = 0;    // NLMSGERR_ATTR_OFFS: from the start of the message; 0: none
};

/// How a dump, or a single request, ended.
struct ReadOutcome {
  int error_number = 0;
  bool interrupted = false;  // NLM_F_DUMP_INTR: the kernel changed meanwhile; read again
  KernelError error;         // details, where the kernel gave an error itself
};

/// How messages that change something were answered.
struct BatchOutcome {
  int send_error = 0;
  bool acknowledged = false;  // the last message was worked on, so all before it were
  bool lost = false;          // ENOBUFS: replies are missing, the outcome is unknown
  int errors = 0;
};

class Client {
 public:
  explicit Client(Transport& transport);

  Transport& transport() { return transport_; }
  /// For messages that are written now and sent later.
  uint32_t& sequence() { return sequence_; }

  /// Sends one request (NLM_F_DUMP or not) and calls `visit(message)` for each message of the
  /// answer; `visit` returns false for one that it finds malformed.
  template <class Visit>
  ReadOutcome Read(Bus bus, Bytes request, Visit&& visit);

  /// Sends messages in one go, asking for an acknowledgement of the last, and calls
  /// `on_error(KernelError)` for each that failed. The flag is written into `last`.
  template <class OnError>
  BatchOutcome Change(Bus bus, std::span<const iovec> parts, nlmsghdr& last, OnError&& on_error);

 private:
  // The next datagram; false at the end of what is there, or on an error.
  bool Receive(Bus bus, int& error_number, Bytes& datagram);
  // Reads what an earlier, broken exchange may have left.
  void Drain(Bus bus);

  Transport& transport_;
  SecretBuffer buffer_;  // dumps hold private keys
  uint32_t sequence_;
};

/// The errno in the kernel's negative result; EBADMSG where it cannot be one.
int ErrnoOf(int32_t result);

/// Reads an NLMSG_ERROR; false when it is malformed, or its error cannot be one. An acknowledgement
/// has error_number 0.
bool ReadError(const Message& message, KernelError& error);

template <class Visit>
ReadOutcome Client::Read(Bus bus, Bytes request, Visit&& visit) {
  Drain(bus);
  nlmsghdr header;
  std::memcpy(&header, request.data(), sizeof header);
  const iovec part{const_cast<std::byte*>(request.data()), request.size()};
  ReadOutcome outcome;
  outcome.error_number = transport_.Send(bus, {&part, 1});
  if (outcome.error_number != 0) return outcome;
  const bool dump = (header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
  bool done = false;
  Bytes datagram;
  while (!done && Receive(bus, outcome.error_number, datagram)) {
    const bool whole = ForEachMessage(datagram, [&](const Message& message) {
      if (message.header.nlmsg_seq != header.nlmsg_seq) return true;
      outcome.interrupted |= (message.header.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
      if (message.header.nlmsg_type == NLMSG_ERROR) {
        if (!ReadError(message, outcome.error)) outcome.error.error_number = EBADMSG;
        outcome.error_number = outcome.error.error_number;
        done = true;
      } else if (message.header.nlmsg_type == NLMSG_DONE) {
        // The dump's own result follows the header, as a negative errno.
        int32_t result = 0;
        if (message.payload.size() >= sizeof result) {
          std::memcpy(&result, message.payload.data(), sizeof result);
        }
        outcome.error_number = ErrnoOf(result);
        done = true;
      } else {
        if (!visit(message)) outcome.error_number = EBADMSG;
        done = !dump || outcome.error_number != 0;
      }
      return !done;
    });
    if (!whole) outcome.error_number = EBADMSG;
    if (outcome.error_number != 0) return outcome;
  }
  if (!done && outcome.error_number == 0) outcome.error_number = ENODATA;
  return outcome;
}

template <class OnError>
BatchOutcome Client::Change(Bus bus, std::span<const iovec> parts, nlmsghdr& last,
                            OnError&& on_error) {
  Drain(bus);
  last.nlmsg_flags |= NLM_F_ACK;
  BatchOutcome outcome;
  outcome.send_error = transport_.Send(bus, parts);
  if (outcome.send_error != 0) return outcome;
  int error_number = 0;
  Bytes datagram;
  while (true) {
    if (!Receive(bus, error_number, datagram)) {
      if (error_number != ENOBUFS) break;
      outcome.lost = true;  // and what is still queued can be read
      continue;
    }
    const bool whole = ForEachMessage(datagram, [&](const Message& message) {
      KernelError error;
      if (message.header.nlmsg_type != NLMSG_ERROR) return true;
      if (!ReadError(message, error)) {
        outcome.lost = true;
        return false;
      }
      if (error.sequence == last.nlmsg_seq) outcome.acknowledged = true;
      if (error.error_number != 0) {
        ++outcome.errors;
        on_error(error);
      }
      return true;
    });
    outcome.lost |= !whole;
  }
  return outcome;
}

}  // namespace wgnet::netlink

#endif  // WGNET_NETLINK_CLIENT_H_
