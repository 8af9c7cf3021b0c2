// SPDX-License-Identifier: MIT OR Apache-2.0
// Changes that are taken back unless somebody says in time that they are right: the network may be
// what he would say it through.
#ifndef WGNET_CONFIRM_H_
#define WGNET_CONFIRM_H_

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "wgnet/error.h"
#include "wgnet/key.h"

namespace wgnet {

/// How a change is to be confirmed, as a confirmed commit of RFC 6241, section 8.4.
struct ConfirmOptions {
  /// 100 ms to 7 days, counted from when the change is done, also while the machine sleeps.
  std::chrono::milliseconds within = std::chrono::minutes(10);
  /// False: the change is taken back at once when the calling process ends. True: it outlives that,
  /// and whoever has its token confirms it.
  bool persist = false;
  /// Peers and interfaces that go do so only once the change is confirmed, for their sessions would
  /// not come back; but for peers with one of these keys, which go at once.
  std::vector<PublicKey> revoke;
};

/// A change that is done, and waits to be confirmed.
struct PendingChange {
  std::string owner;
  std::string token;  ///< told to who made it, if it persists; empty to everybody else
  std::chrono::milliseconds left{0};
  std::chrono::system_clock::time_point changed;  ///< when it was begun
  bool persists = false;

  /// A document of schema "wgnet/1".
  std::string ToJson() const;
  bool operator==(const PendingChange&) const = default;
};

/// How a change that was guarded ended.
struct GuardReport {
  std::string owner;
  std::optional<RollbackReport> rollback;  ///< not set: somebody else confirmed it, or took it back
};

}  // namespace wgnet

#endif  // WGNET_CONFIRM_H_
