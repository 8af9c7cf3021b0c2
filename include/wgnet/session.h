// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_SESSION_H_
#define WGNET_SESSION_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wgnet/confirm.h"
#include "wgnet/device_update.h"
#include "wgnet/error.h"
#include "wgnet/node.h"
#include "wgnet/plan.h"
#include "wgnet/process.h"
#include "wgnet/recovery.h"
#include "wgnet/reresolve.h"
#include "wgnet/resolver.h"
#include "wgnet/snapshot.h"
#include "wgnet/watch.h"

namespace wgnet {

struct SessionOptions {
  /// Whose node it is. 1 to 64 letters, digits and _.@+=-, or "wg-quick:" and an interface's name.
  /// An owner has one node in a namespace, and never touches what belongs to another.
  std::string owner = "default";
  /// A name of ip-netns(8), or the path of a namespace file; empty: the calling thread's.
  std::string netns;
  /// Where it is written what belongs to whom, and what a transaction is about to do. Best on a
  /// file system that goes at a reboot, as the kernel's state does; changing or removing what has a
  /// key needs one on a tmpfs.
  std::string state_dir = "/run/wgnet";
  /// How long to wait for another transaction in the namespace.
  std::chrono::milliseconds lock_timeout = std::chrono::seconds(30);
  /// How a transaction of this session ends if its process is killed in the middle: by whoever
  /// opens a session next, or by Recover. A change that has to be confirmed, and one with hooks,
  /// always goes back. kForward writes the node's keys into the state directory meanwhile, so that
  /// must be on a tmpfs.
  RecoveryDirection recovery = RecoveryDirection::kBack;
  /// Interfaces that plans may take over. One that exists, is WireGuard's and belongs to no owner
  /// counts as this owner's, with all that wg-quick(8) makes for it: peers, addresses, routes to
  /// allowed IPs, rules, nftables tables. What the node wants as it is stays, without a lost
  /// packet, and what it does not want goes. An endpoint at which a peer is in a session stays,
  /// too.
  std::vector<std::string> adopt;
  /// Whether plans may take over an address, a route or a rule that belongs to no owner and is as
  /// the node wants it, whoever made it (but for the kernel). It gets wgnet's mark, and goes when
  /// the node does not want it any more. Else it is an error (ErrorCode::kConflict), as one that
  /// differs always is.
  bool adopt_identical = false;
  /// Looks up the host names of endpoints. Not set: SystemResolver(). A name is looked up when its
  /// peer is first given it; afterwards Reresolve does, when the caller says so.
  std::shared_ptr<Resolver> resolver;
  /// For all look-ups of one plan together. Not set: as long as they take.
  std::optional<std::chrono::milliseconds> resolve_timeout = std::chrono::seconds(20);
  /// How often a name without an answer for now is looked up again: after 1 s, and then 1.2 times
  /// as long each time, up to 20 s, as wg(8) does. Not set: until resolve_timeout.
  std::optional<uint32_t> resolve_retries = 15;
  /// What becomes of a peer whose endpoint's name does not resolve. A DeviceUpdate always fails.
  UnresolvedEndpoint unresolved_endpoint = UnresolvedEndpoint::kError;
  /// The program that serves interfaces where the kernel has no WireGuard: a name that is looked
  /// for in PATH, or a path. It is run with the interface's name as its argument, goes to the
  /// background, and speaks the protocol of https://www.wireguard.com/xplatform/. Interfaces that
  /// such a program serves already are used whoever started it. Empty: neither.
  std::string userspace_implementation = "wireguard-go";
  /// The wgnet program, by a name that is looked for in PATH, or a path. It is run as `wgnet guard`
  /// and takes a change back that is not confirmed in time, or whose process ends: as a transient
  /// unit of systemd(1) where that runs, else in a session of its own. Where it cannot be run, no
  /// change is made that has to be confirmed. Empty: the caller has Guard run, in another process.
  std::string guardian = "wgnet";
  /// Runs hooks, resolvconf(8), the guardian and the userspace implementation. Not set:
  /// SystemProcessRunner().
  std::shared_ptr<ProcessRunner> process_runner;
};

/// What Apply did.
struct ApplyReport {
  /// 0: nothing was sent, for the kernel was as wanted already, or all waits to be confirmed.
  size_t steps = 0;
  std::vector<std::string> warnings;
  std::optional<PendingChange> pending;  ///< what has to be confirmed now
};

/// An open way into the kernel, for one owner in one network namespace.
///
/// A session belongs to one thread at a time. It moves no thread into another namespace, keeps no
/// thread, installs no signal handler, and all its descriptors are close-on-exec. Reading and
/// changing need CAP_NET_ADMIN in the user namespace of the network namespace.
class Session {
 public:
  /// A transaction in this namespace whose process was killed in the middle, any owner's, is taken
  /// back, or carried on if its session asked for that, first; while another process is changing
  /// the namespace, nothing is.
  static Result<Session> Open(SessionOptions options);

  /// What Open brought to an end, before anything else.
  const RecoveryReport& recovered() const;
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// What has to be done to bring the kernel to the node. Reads, and changes nothing. An empty
  /// node plans the removal of all that the owner has. Hooks become steps where a link is made or
  /// removed.
  Result<wgnet::Plan> Plan(const Node& node, const Hooks& hooks = {});

  /// Carries a plan out: all of it, or none of it. If the kernel has changed since, such that
  /// another plan would be made now, nothing is done (ErrorCode::kStale). After a failure
  /// everything is as before, or `error.rollback` says what is not.
  Result<ApplyReport> Apply(const wgnet::Plan& plan);
  /// Plans and applies under one lock; plans again when the kernel changes meanwhile.
  Result<ApplyReport> Apply(const Node& node, const Hooks& hooks = {});

  /// The same, but what is done is taken back unless it is confirmed in time. Until that is decided
  /// no other change is made in the namespace (ErrorCode::kBusy). What ends WireGuard sessions
  /// waits for it. An error of starting the guardian is kNotSupported.
  Result<ApplyReport> Apply(const wgnet::Plan& plan, const ConfirmOptions& confirm);
  Result<ApplyReport> Apply(const Node& node, const ConfirmOptions& confirm);

  /// Confirms the change that waits, whoever made it, and does what waited for it. The token may be
  /// left out in the process that made it. kNotFound: none waits, or its time was over.
  Result<ApplyReport> Confirm(std::string_view token = {});
  /// Takes it back at once.
  Result<RollbackReport> Rollback(std::string_view token = {});
  /// Gives it so much time from now on, as ConfirmOptions::within.
  Status ExtendConfirmation(std::chrono::milliseconds within, std::string_view token = {});
  /// The change that waits to be confirmed in this namespace, anybody's.
  Result<std::optional<PendingChange>> Pending();

  /// Asks `probe` in such intervals, which are above 0, until it is true, and then confirms; an
  /// error of the probe is returned, and the change waits on. kNotFound: the change's time was over
  /// before.
  Result<ApplyReport> ConfirmWhen(
      const std::function<Result<bool>()>& probe, std::string_view token = {},
      std::chrono::milliseconds interval = std::chrono::milliseconds(250));
  /// The same: when a peer of the owner's has had a handshake since the change began; a given one,
  /// if set.
  Result<ApplyReport> ConfirmOnHandshake(std::optional<PublicKey> peer = {},
                                         std::string_view token = {});

  /// Waits until the change that waits, or is being made, is decided, and takes it back when its
  /// time is over, or the process has ended that it ends with. `on_ready` is called once it is
  /// guarded. Taking it back is tried for a minute. Blocks, so it is for a process, or a thread
  /// with a session, of its own; `wgnet guard` is such a process.
  Result<GuardReport> Guard(const std::function<void()>& on_ready = {});

  /// Plan and Apply for one WireGuard interface, whoever's it is: kNotFound if it does not exist.
  /// Nobody's record of what is whose changes, and no lock is waited for, so that a program that a
  /// transaction runs may do it. Unless one runs, or no journal can be written, what a killed
  /// process had done is taken back, as with a node. A later plan of the interface's owner takes
  /// such a change back.
  Result<wgnet::Plan> Plan(const DeviceUpdate& update);
  Result<ApplyReport> Apply(const DeviceUpdate& update);

  /// Looks the names of silent peers' endpoints up again, and changes those endpoints only, in one
  /// message for each interface. Interfaces may be anybody's; what the session's owner has of them
  /// is noted in its record, so that a later plan leaves it.
  Result<wgnet::Plan> Plan(const Reresolve& reresolve);
  Result<ApplyReport> Apply(const Reresolve& reresolve);

  /// Takes back a transaction that was cut off, as Open does, but waits for others to end theirs;
  /// the report tells what both took back. And brings every owner's record and the kernel together
  /// again, where something else came between them. What an owner had for links that are gone, such
  /// as after `wg-quick down`, is removed: rules, nftables tables, settings that nobody else needs.
  /// A kill switch stays his, with all that is in its table, until he is brought to a node without
  /// one. His links that are there are not touched. For each owner all of it is done, or none.
  Result<RecoveryReport> Recover();

  /// Plans the removal of what is left over without an owner: it bears wgnet's marks, and is on no
  /// record in the state directory, such as after that was lost. What is on record in another state
  /// directory is left over, too.
  Result<wgnet::Plan> PlanCleanup();

  /// Tells of changes, by anybody else, to what the owner has on record, and brings it back if the
  /// options have a node; then it is applied first. What transactions of the owner do, in any
  /// process, is no such change.
  Result<Watcher> Watch(const WatchOptions& options = {});

  /// What the namespace has: every WireGuard interface, and every owner.
  Result<wgnet::Snapshot> Snapshot();

 private:
  class Impl;
  explicit Session(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // watchers hold it, too
};

}  // namespace wgnet

#endif  // WGNET_SESSION_H_
