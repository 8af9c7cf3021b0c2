// SPDX-License-Identifier: MIT OR Apache-2.0
// A client whose kernel is a script, and the replies that it is made of.
#ifndef WGNET_TESTS_UNIT_CLIENT_SCRIPT_H_
#define WGNET_TESTS_UNIT_CLIENT_SCRIPT_H_

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "src/netlink/client.h"
#include "tests/support/netlink_only_transport.h"
#include "tests/support/wire_text.h"

namespace wgnet::netlink {

using Datagram = std::vector<std::byte>;

// Answers each Send with what the script has for it: datagrams, and errors of receiving.
class ScriptedTransport final : public testing::NetlinkOnlyTransport {
 public:
  using Answer = std::variant<Datagram, int>;

  /// For the next Send.
  ScriptedTransport& Answering(std::vector<Answer> answers, int send_error = 0) {
    script_.push_back({std::move(answers), send_error});
    return *this;
  }
  /// What is there before anything is sent.
  void Leave(Answer answer) { queue_.push_back(std::move(answer)); }
  bool drained() const { return queue_.empty(); }
  const std::vector<Datagram>& sent() const { return sent_; }
  const std::vector<Bus>& buses() const { return buses_; }

  int Send(Bus bus, std::span<const iovec> parts) override {
    Datagram datagram;
    for (const iovec& part : parts) {
      const auto* bytes = static_cast<const std::byte*>(part.iov_base);
      datagram.insert(datagram.end(), bytes, bytes + part.iov_len);
    }
    sent_.push_back(datagram);
    buses_.push_back(bus);
    if (script_.empty()) return 0;
    auto [answers, error] = std::move(script_.front());
    script_.pop_front();
    queue_.insert(queue_.end(), answers.begin(), answers.end());
    return error;
  }
  ssize_t Receive(Bus, std::span<std::byte> buffer) override {
    if (queue_.empty()) return -EAGAIN;
    const Answer answer = std::move(queue_.front());
    queue_.pop_front();
    if (const int* error = std::get_if<int>(&answer)) return -*error;
    const auto& datagram = std::get<Datagram>(answer);
    std::copy(datagram.begin(), datagram.end(), buffer.begin());
    return static_cast<ssize_t>(datagram.size());
  }

 private:
  struct Step {
    std::vector<Answer> answers;
    int send_error;
  };
  std::deque<Step> script_;
  std::deque<Answer> queue_;
  std::vector<Datagram> sent_;
  std::vector<Bus> buses_;
};

// ---- replies ----

inline Datagram operator+(Datagram a, const Datagram& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline Datagram Reply(uint16_t type, uint16_t flags, uint32_t sequence, Datagram payload = {}) {
  const nlmsghdr header{static_cast<uint32_t>(NLMSG_HDRLEN + payload.size()), type, flags, sequence,
                        0};
  Datagram reply(sizeof header);
  std::memcpy(reply.data(), &header, sizeof header);
  reply = reply + payload;
  reply.resize(NLMSG_ALIGN(reply.size()));
  return reply;
}

inline Datagram Data(uint32_t sequence, uint8_t value, uint16_t flags = NLM_F_MULTI) {
  return Reply(0x20, flags, sequence, {std::byte{value}, {}, {}, {}});
}

template <class T>
Datagram BytesOf(const T& value) {
  Datagram bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

inline Datagram Done(uint32_t sequence, int32_t result = 0, uint16_t flags = NLM_F_MULTI) {
  return Reply(NLMSG_DONE, flags, sequence, BytesOf(result));
}

inline Datagram Ack(uint32_t sequence, int error = 0, uint16_t flags = NLM_F_CAPPED) {
  nlmsgerr body{};
  body.error = -error;
  body.msg.nlmsg_len = 40;
  body.msg.nlmsg_seq = sequence;
  return Reply(NLMSG_ERROR, flags, sequence, BytesOf(body));
}

// "text" at offset 28, as attributes behind the header, or behind the whole request.
inline Datagram ExplainedError(uint32_t sequence, bool capped) {
  nlmsgerr body{};
  body.error = -EINVAL;
  body.msg.nlmsg_len = 41;  // padded to 44
  const Datagram request(capped ? 0 : 44 - sizeof(nlmsghdr), std::byte{0xee});
  const auto attributes =
      testing::BytesOfHex("09 00 01 00 74 65 78 74 00 00 00 00 08 00 02 00 1c 00 00 00");
  const uint16_t flags = NLM_F_ACK_TLVS | (capped ? NLM_F_CAPPED : 0);
  return Reply(NLMSG_ERROR, flags, sequence, BytesOf(body) + request + attributes);
}

// ---- one client ----

struct Seen {
  ReadOutcome outcome;
  std::string values;  // one digit for each message
};

class ClientTest : public ::testing::Test {
 protected:
  Datagram Request(uint16_t flags) {
    const nlmsghdr header{NLMSG_HDRLEN, 0x12, static_cast<uint16_t>(NLM_F_REQUEST | flags),
                          client_.sequence()++, 0};
    return BytesOf(header);
  }

  Seen Read(uint16_t flags = NLM_F_DUMP, char refused = '\0') {
    const Datagram request = Request(flags);
    Seen seen;
    seen.outcome = client_.Read(Bus::kRoute, request, [&](const Message& message) {
      const char value = message.payload.empty()
                             ? '-'
                             : static_cast<char>('0' + static_cast<int>(message.payload[0]));
      seen.values += value;
      return value != refused;
    });
    return seen;
  }

  // Sends `count` messages; the errors are "SEQUENCE:ERRNO ".
  BatchOutcome Change(size_t count = 1) {
    Datagram batch;
    for (size_t i = 0; i < count; ++i) batch = batch + Request(0);
    const iovec part{batch.data(), batch.size()};
    auto& last = *reinterpret_cast<nlmsghdr*>(batch.data() + batch.size() - NLMSG_HDRLEN);
    return client_.Change(Bus::kRoute, {&part, 1}, last, [&](const KernelError& error) {
      errors_ += std::to_string(error.sequence) + ":" + std::to_string(error.error_number) + " ";
    });
  }

  ScriptedTransport transport_;
  Client client_{transport_};
  std::string errors_;
};

}  // namespace wgnet::netlink

#endif  // WGNET_TESTS_UNIT_CLIENT_SCRIPT_H_
