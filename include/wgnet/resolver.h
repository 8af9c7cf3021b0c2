// SPDX-License-Identifier: MIT OR Apache-2.0
// From the host names of endpoints to addresses.
#ifndef WGNET_RESOLVER_H_
#define WGNET_RESOLVER_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "wgnet/types.h"

namespace wgnet {

/// What one look-up of a host gave.
struct HostAnswer {
  enum class Kind : uint8_t {
    kFound,
    kNone,      ///< there is no such name, or no address under it: asking again does not help
    kTryAgain,  ///< no answer for now: EAI_AGAIN of getaddrinfo(3)
  };
  Kind kind = Kind::kTryAgain;
  std::vector<IpAddress> addresses;  ///< of kFound: the best first
  std::string reason;                ///< of the others: why, for people
};

/// What looks names up; SessionOptions takes another one.
class Resolver {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  virtual ~Resolver() = default;
  /// Looks every host up once, side by side if it can, and has an answer for each, in their order,
  /// by the deadline; TimePoint::max() is none. Called before any lock is taken, on the caller's
  /// thread, and must leave none behind. No host is an address.
  virtual std::vector<HostAnswer> LookUp(std::span<const std::string> hosts,
                                         TimePoint deadline) = 0;
};

/// The machine's own look-ups: /etc/hosts and the name servers of resolv.conf(5). With c-ares, all
/// names side by side, and the deadline holds. Without (WGNET_CARES=off), getaddrinfo(3), one name
/// after the other; one that has begun is not cut off.
std::shared_ptr<Resolver> SystemResolver();

/// What becomes of a peer whose endpoint's name does not resolve.
enum class UnresolvedEndpoint : uint8_t {
  kError,  ///< the plan fails with kUnresolved
  kLater,  ///< the peer gets no endpoint until a later plan, and the plan a warning
};

}  // namespace wgnet

#endif  // WGNET_RESOLVER_H_
