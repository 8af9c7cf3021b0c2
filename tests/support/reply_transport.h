// SPDX-License-Identifier: MIT OR Apache-2.0
// A transport that counts the kernel's replies, and spoils one of them.
#ifndef WGNET_TESTS_SUPPORT_REPLY_TRANSPORT_H_
#define WGNET_TESTS_SUPPORT_REPLY_TRANSPORT_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <ostream>
#include <utility>
#include <vector>

#include "src/netlink/forwarding_transport.h"

namespace wgnet::testing {

/// What becomes of a datagram from the kernel.
enum class Spoil : uint8_t {
  kDropped,
  kLost,  // and the socket says so: ENOBUFS
  kDoubled,
  kLate,        // after the next one, if there is one
  kTruncated,   // after so many bytes as the seed says
  kRenumbered,  // its messages have other sequence numbers
  kNoise,       // bytes made from the seed
  kBroken,      // a header that is right, and bytes made from the seed behind it
  kNested,      // and its attributes have lengths that do not fit
};
inline constexpr Spoil kSpoils[] = {Spoil::kDropped, Spoil::kLost,      Spoil::kDoubled,
                                    Spoil::kLate,    Spoil::kTruncated, Spoil::kRenumbered,
                                    Spoil::kNoise,   Spoil::kBroken,    Spoil::kNested};

class ReplyTransport final : public netlink::ForwardingTransport {
 public:
  explicit ReplyTransport(std::unique_ptr<netlink::Transport> inner)
      : ForwardingTransport(std::move(inner)) {}

  /// Counts from here on, and spoils the reply of this number, from 1; 0: none.
  void Arm(size_t reply, Spoil spoil, uint32_t seed);
  void Disarm() { Arm(0, Spoil::kDropped, 0); }
  /// Counts from here on; from this reply on, from 1, no more can be received: EIO.
  void GoBlindFrom(size_t reply);
  /// How many replies came.
  size_t replies() const { return replies_; }
  bool fired() const { return fired_; }

  ssize_t Receive(netlink::Bus bus, std::span<std::byte> buffer) override;

 private:
  using Datagram = std::vector<std::byte>;

  // What comes in place of the datagram, which is `size` bytes of `buffer`.
  ssize_t SpoilReply(netlink::Bus bus, std::span<std::byte> buffer, size_t size);
  ssize_t Give(const Datagram& datagram, std::span<std::byte> buffer) const;

  size_t reply_ = 0;
  size_t last_seen_ = SIZE_MAX;  // the reply after which none comes
  Spoil spoil_ = Spoil::kDropped;
  uint32_t seed_ = 0;
  size_t replies_ = 0;
  bool fired_ = false;
  std::deque<std::pair<netlink::Bus, Datagram>> waiting_;
};

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_REPLY_TRANSPORT_H_
