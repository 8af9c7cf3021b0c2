// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/confirm.h"

#include <algorithm>
#include <thread>

#include "src/base/try.h"
#include "wgnet/session.h"

namespace wgnet {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;

system_clock::time_point HandshakeOf(const PeerStatus& peer) {
  const auto since_1970 = std::chrono::seconds(peer.last_handshake_seconds) +
                          std::chrono::nanoseconds(peer.last_handshake_nanoseconds);
  return system_clock::time_point(std::chrono::duration_cast<system_clock::duration>(since_1970));
}

// Whether a peer on an interface of the change's owner has had a handshake since.
bool HasHandshake(const Snapshot& snapshot, const PendingChange& change,
                  const std::optional<PublicKey>& wanted) {
  std::vector<std::string> interfaces;
  for (const OwnerStatus& owner : snapshot.owners) {
    if (owner.owner == change.owner) interfaces = owner.interfaces;
  }
  for (const DeviceStatus& device : snapshot.devices) {
    if (std::find(interfaces.begin(), interfaces.end(), device.name) == interfaces.end()) continue;
    for (const PeerStatus& peer : device.peers) {
      if (wanted && peer.public_key != *wanted) continue;
      if (HandshakeOf(peer) > change.changed) return true;
    }
  }
  return false;
}

Error NoInterval() {
  return {.code = ErrorCode::kInvalidArgument,
          .message = "it must be above 0",
          .where = "Session.ConfirmWhen: interval"};
}

Error DecidedElsewhere() {
  return {
      .code = ErrorCode::kNotFound,
      .message = "the change does not wait any more: its time is over, or it was decided elsewhere",
      .hint = "apply it again, if it is not there"};
}

}  // namespace

Result<ApplyReport> Session::ConfirmWhen(const std::function<Result<bool>()>& probe,
                                         std::string_view token, milliseconds interval) {
  if (interval <= milliseconds(0)) return NoInterval();
  for (bool waited = false;; waited = true) {
    WGNET_ASSIGN_OR_RETURN(const auto pending, Pending());
    if (!pending || pending->left <= milliseconds(0)) {
      auto done = Confirm(token);  // says what became of it, if it is there
      const bool gone = !done && done.error().code == ErrorCode::kNotFound;
      if (gone && waited) return DecidedElsewhere();
      return done;
    }
    WGNET_ASSIGN_OR_RETURN(const bool right, probe());
    if (right) return Confirm(token);
    std::this_thread::sleep_for(std::min(interval, pending->left));
  }
}

Result<ApplyReport> Session::ConfirmOnHandshake(std::optional<PublicKey> peer,
                                                std::string_view token) {
  const auto probe = [&]() -> Result<bool> {
    WGNET_ASSIGN_OR_RETURN(const auto pending, Pending());
    WGNET_ASSIGN_OR_RETURN(const auto snapshot, Snapshot());
    return pending && HasHandshake(snapshot, *pending, peer);
  };
  return ConfirmWhen(probe, token);
}

}  // namespace wgnet
