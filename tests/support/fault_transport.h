// SPDX-License-Identifier: MIT OR Apache-2.0
// A transport that counts the messages which change something, and fails some of them.
#ifndef WGNET_TESTS_SUPPORT_FAULT_TRANSPORT_H_
#define WGNET_TESTS_SUPPORT_FAULT_TRANSPORT_H_

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "src/netlink/forwarding_transport.h"
#include "tests/support/fake_dns.h"
#include "wgnet/key.h"

namespace wgnet::testing {

/// What a message may fail with.
inline constexpr int kErrnos[] = {EPERM,  ENOMEM,     EBUSY,  EEXIST,  ENOENT,   ESRCH,      ENODEV,
                                  EINVAL, EOPNOTSUPP, ENOSPC, ENOBUFS, ERESTART, EADDRINUSE, EINTR};

/// A message that asks for a change: of a route, of a device, of a ruleset, or a written setting,
/// or what a resolver is told.
struct Fault {
  size_t message = 0;  // which, from 1; 0: none
  int error = 0;
  /// For a SET_DEVICE: so many peers, and of the next one so many allowed IPs, are delivered first.
  struct Partial {
    size_t peers = 0;
    size_t ips = 0;
  };
  std::optional<Partial> partial;
  /// A resolver does what it is told, and fails.
  bool done_though = false;
  /// It fails again whenever it is sent again; of a resolver, whatever it is told from then on.
  bool stays = false;
};

class FaultTransport final : public netlink::ForwardingTransport {
 public:
  explicit FaultTransport(std::unique_ptr<netlink::Transport> inner);

  /// Counts from here on.
  void Arm(Fault fault) { ArmAll({fault}); }
  void ArmAll(std::vector<Fault> faults);
  /// How many messages came.
  size_t messages() const { return messages_; }
  /// Whether all faults were met.
  bool fired() const { return left_ == 0; }
  /// How many messages had come when the send ended that met the first fault: what comes then takes
  /// back.
  size_t messages_to_failure() const { return messages_to_failure_; }
  /// How many peers the SET_DEVICE messages held, and of each how many IPs, by message.
  const std::vector<std::vector<size_t>>& peers_of() const { return peers_of_; }
  /// Whose peers the SET_DEVICE messages named, by message.
  const std::vector<std::vector<PublicKey>>& keys_of() const { return keys_of_; }
  /// Called after each Send, each write of a setting, and each change of the resolver.
  void OnStep(std::function<void()> callback) { on_step_ = std::move(callback); }

  /// Called when all is ready for the first message, before it is looked whether something changed.
  void OnReady(std::function<void()> callback) { on_ready_ = std::move(callback); }

  /// Called after that, right before the first message.
  void OnBegin(std::function<void()> callback) { on_begin_ = std::move(callback); }

  /// As in a user namespace, where buffers cannot be forced.
  void LimitSend(size_t bytes) { send_limit_ = bytes; }

  int Send(netlink::Bus bus, std::span<const iovec> parts) override;
  ssize_t Receive(netlink::Bus bus, std::span<std::byte> buffer) override;
  bool StopNoticing() override {
    if (const auto ready = std::exchange(on_ready_, {})) ready();
    const bool noticed = next().StopNoticing();
    if (const auto begin = std::exchange(on_begin_, {})) begin();
    return noticed;
  }
  size_t SendLimit(netlink::Bus bus) const override {
    return std::min(send_limit_, next().SendLimit(bus));
  }
  int WriteSetting(int handle, std::string_view value) override;
  DnsSystem* dns() override { return resolver_ ? &*resolver_ : nullptr; }

 private:
  // What is sent: a message by its bus and sequence number, a setting by its handle and value.
  using Sent = std::tuple<netlink::Bus, uint32_t, std::string>;

  RefusingDns::Fate JudgeDns();
  // The fault that the next message meets, if any.
  const Fault* Meet(const Sent& sent);
  void EndSend();
  void QueueError(netlink::Bus bus, uint32_t sequence, int error_number);
  // Withholds the message at `at`, or a part of it. False: withhold the whole send.
  bool Withhold(const Fault& fault, netlink::Bus bus, std::vector<std::byte>& bytes, size_t at);

  std::vector<Fault> faults_;
  std::map<Sent, Fault> staying_;
  size_t messages_ = 0;
  size_t messages_to_failure_ = 0;
  size_t left_ = 1;  // as if there were one that is never met
  size_t send_limit_ = SIZE_MAX;
  std::vector<std::vector<size_t>> peers_of_;
  std::vector<std::vector<PublicKey>> keys_of_;
  std::array<std::deque<std::vector<std::byte>>, netlink::kNetlinkBuses> replies_;
  std::function<void()> on_step_;
  std::function<void()> on_ready_;
  std::function<void()> on_begin_;
  std::optional<RefusingDns> resolver_;
};

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_FAULT_TRANSPORT_H_
