// SPDX-License-Identifier: MIT OR Apache-2.0
// What becomes of an owner's objects after they were made.
#ifndef WGNET_WATCH_H_
#define WGNET_WATCH_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wgnet/error.h"
#include "wgnet/key.h"
#include "wgnet/node.h"
#include "wgnet/types.h"

namespace wgnet {

/// How to watch. Links, addresses, routes, rules and nftables are watched by the kernel's own
/// messages (rtnetlink(7), nfnetlink); WireGuard and settings under /proc/sys tell nothing, and are
/// read again and again.
struct WatchOptions {
  /// The node that is to be kept: applied when watching begins, and again when the kernel is not as
  /// on record. A repair is an ordinary transaction, and takes as long. The record has no keys, so
  /// that no node means no repair.
  std::optional<Node> keep;
  /// How long after the first sign of a change it is looked at, up to a minute: what comes in a
  /// burst is looked at once. Looking may take a hundredth of the time: after one that took 5 ms
  /// there is none for half a second.
  std::chrono::milliseconds debounce{50};
  /// How often WireGuard and settings are read; 100 ms to an hour.
  std::chrono::milliseconds poll_interval = std::chrono::seconds(5);
  /// How long after its last handshake a peer is down; a second to a year. A session is dead after
  /// 180 s, the REJECT_AFTER_TIME of https://www.wireguard.com/papers/wireguard.pdf; a peer that
  /// has nothing to say and no persistent keepalive is then down, too.
  std::chrono::seconds peer_timeout{180};
  /// So many repairs may follow each other at once, 1 to 1000; then there is one more for each
  /// `repair_interval`, 1 ms to a day. One that failed is tried again after that.
  uint32_t repair_burst = 5;
  std::chrono::milliseconds repair_interval = std::chrono::seconds(10);
  /// Bytes for messages that are not yet read (SO_RCVBUF), 1 to 1 GiB. What does not fit is lost,
  /// and then all is read again.
  uint32_t receive_buffer = 1 << 20;
};

/// Something that has happened to what the owner has on record, or to one of its peers. What is
/// told is the difference between record and kernel, not each message: an object that goes and
/// comes back within a moment gives no event.
struct Event {
  enum class Kind : int32_t {
    kMissing = 1,       ///< the object is gone
    kChanged = 2,       ///< the object is not as on record; `changes` says how
    kBack = 3,          ///< the object is as on record again, and nobody of ours did it
    kPeerUp = 4,        ///< a handshake; also of each peer that is up when watching begins
    kPeerDown = 5,      ///< no handshake for `peer_timeout`
    kPeerMoved = 6,     ///< the peer is heard at, or was given, another endpoint
    kLost = 7,          ///< messages of the kernel did not fit; all is read again
    kRepaired = 8,      ///< `steps` were done, and all is as on record
    kRepairFailed = 9,  ///< `error` says why; what was begun was taken back
    /// Another node of this owner has been applied, by another program or by the watcher's own
    /// session, or all of it was removed: no more repairs, unless it goes back.
    kSuperseded = 10,
  };
  /// An attribute that differs, by its name in plans' JSON. Keys are "(hidden)".
  struct Change {
    std::string attribute;
    std::string recorded;
    std::string found;  ///< empty: there is none
    bool operator==(const Change&) const = default;
  };

  Kind kind = Kind::kMissing;
  std::string object;   ///< "link", "address", "route", ... as in plans' JSON; empty: of none
  std::string command;  ///< the `ip`, `wg`, `nft` or `sysctl` command that makes it as on record
  std::vector<Change> changes;
  std::string interface;             ///< of a peer
  PublicKey peer;                    ///< zero: of none
  std::optional<Endpoint> endpoint;  ///< of a peer, as it is now
  std::optional<Endpoint> previous;  ///< of one that has moved: as it was
  size_t steps = 0;
  std::vector<std::string> warnings;  ///< of a repair
  std::optional<Error> error;

  /// "missing: ip route add 10.0.0.0/8 dev wg0"
  std::string ToString() const;
  /// A document of schema "wgnet/1", on one line.
  std::string ToJson() const;
};

/// The kind's name, e.g. "peer-up". Stable.
std::string_view EventKindName(Event::Kind kind);

/// Watches one owner's objects, for the event loop of the caller: no thread, no signal, no call
/// that waits, but for repairs. It uses the session's sockets, and belongs to the same thread; the
/// session may go before it.
class Watcher {
 public:
  Watcher(Watcher&&) noexcept;
  Watcher& operator=(Watcher&&) noexcept;
  ~Watcher();

  /// For poll(2), select(2) or epoll(7): readable when Read has something to do. It is the
  /// watcher's, and is not read by anybody else.
  int fd() const;

  /// What has happened since the last call; often nothing. Never waits, but a repair takes as long
  /// as Session::Apply does, and looks the names of endpoints up as that does. The first call tells
  /// what is not as on record already. After an error, which is that of reading the kernel or the
  /// record, it may be called again.
  Result<std::vector<Event>> Read();

  /// Waits, and calls `on_event` for each event, until that returns false or the time is over. Not
  /// set: without end. What is not given is kept for the next call.
  Status Run(const std::function<bool(const Event&)>& on_event,
             std::optional<std::chrono::milliseconds> timeout = {});

 private:
  friend class Session;
  class Impl;
  explicit Watcher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wgnet

#endif  // WGNET_WATCH_H_
