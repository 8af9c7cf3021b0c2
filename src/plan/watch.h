// SPDX-License-Identifier: MIT OR Apache-2.0
// Watches what an owner has on record. A message of the kernel only says that something is to be
// looked at; what is told is how the kernel then differs from the record.
#ifndef WGNET_PLAN_WATCH_H_
#define WGNET_PLAN_WATCH_H_

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "src/base/unique_fd.h"
#include "src/netlink/event_socket.h"
#include "src/plan/drift.h"
#include "src/plan/pace.h"
#include "src/plan/peer_watch.h"
#include "src/plan/planner.h"
#include "wgnet/watch.h"

namespace wgnet::plan {

/// kInvalidArgument if an option is out of its range.
Status CheckWatch(const WatchOptions& options);

class Watch {
 public:
  /// Applies the node that is to be kept: again, if it has a number already.
  using Repair = std::function<Result<Planner::Done>(std::optional<uint64_t> number)>;

  /// The planner must outlive it. Without `repair` it only tells.
  static Result<std::unique_ptr<Watch>> Open(Planner& planner, netlink::NetworkNamespace netns,
                                             const WatchOptions& options, Repair repair);

  int fd() const { return poll_.get(); }
  Result<std::vector<Event>> Read();

 private:
  Watch(Planner& planner, netlink::NetworkNamespace netns, const WatchOptions& options,
        Repair repair);

  Status Prepare();
  Status AddToPoll(int fd) const;
  void SetDozing(bool dozing, Moment now);
  void Arm() const;

  struct Drained {
    int messages = 0;
    bool all = false;     // none is left
    bool marked = false;  // some was about something of ours
  };
  // What was told since the last time becomes marks.
  Drained Drain(const netlink::EventSocket& socket, Part part);
  Drained DrainAll();

  Result<bool> Look(Parts parts);
  void HoldUntil(Parts parts, Moment moment);
  bool RecordChanged() const;
  Status ReloadRecord();
  Status Subscribe();
  void See(const Drift::Sight& sight, Parts parts);
  bool WantsRepair() const;
  bool RepairIsDue(Moment now) const;
  void RepairNow();
  void TellRepair(Planner::Done done);

  Planner& planner_;
  netlink::NetworkNamespace netns_;
  WatchOptions options_;
  Repair repair_;
  Reader reader_;

  UniqueFd poll_;
  UniqueFd timer_;
  std::optional<netlink::EventSocket> route_events_;
  std::optional<netlink::EventSocket> nft_events_;
  std::vector<std::byte> buffer_;
  bool dozing_ = false;  // messages wake nobody, but a timer does
  Moment doze_until_;

  LookSchedule schedule_;
  TokenBucket bucket_;
  PeerWatch peers_;
  std::unique_ptr<Drift> drift_;  // of the record as it was last read
  StateDir::Stamp stamp_;         // of that
  std::optional<uint64_t> kept_;  // the number of the node that is kept
  size_t kept_objects_ = 0;       // how many are on its record
  bool is_part_ = false;          // the record has not all of it any more
  bool superseded_ = false;
  std::vector<Event> events_;  // not yet given to the caller
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_WATCH_H_
