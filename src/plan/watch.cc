// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/watch.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "src/base/try.h"
#include "src/kernel/route_filter.h"

namespace wgnet::plan {
namespace {

constexpr size_t kReceiveSize = 64 * 1024;
constexpr int kMostDatagrams = 4096;  // that one Read takes from a socket
constexpr auto kDoze = std::chrono::milliseconds(10);
constexpr auto kTryAgain = std::chrono::milliseconds(100);  // while a transaction runs

Error BadOption(std::string_view option, std::string_view range) {
  return {.code = ErrorCode::kInvalidArgument,
          .message = fmt::format("it must be {}", range),
          .where = fmt::format("WatchOptions.{}", option)};
}

template <class T, class Limit>
bool IsWithin(const T& value, const Limit& least, const Limit& most) {
  return value >= least && value <= most;
}

Error NoDescriptor(std::string_view what) {
  return {.code = ErrorCode::kIo,
          .message = fmt::format("{}: {}", what, std::strerror(errno)),
          .error_number = errno};
}

}  // namespace

Status CheckWatch(const WatchOptions& options) {
  using std::chrono::hours, std::chrono::milliseconds, std::chrono::seconds;
  if (options.keep) WGNET_RETURN_IF_ERROR(options.keep->Check());
  if (!IsWithin(options.debounce, milliseconds(0), milliseconds(60'000))) {
    return BadOption("debounce", "0 ms to a minute");
  }
  if (!IsWithin<milliseconds, milliseconds>(options.poll_interval, milliseconds(100), hours(1))) {
    return BadOption("poll_interval", "100 ms to an hour");
  }
  if (!IsWithin<seconds, seconds>(options.peer_timeout, seconds(1), hours(24 * 365))) {
    return BadOption("peer_timeout", "a second to a year");
  }
  if (!IsWithin(options.repair_burst, 1u, 1000u)) return BadOption("repair_burst", "1 to 1000");
  if (!IsWithin<milliseconds, milliseconds>(options.repair_interval, milliseconds(1), hours(24))) {
    return BadOption("repair_interval", "1 ms to a day");
  }
  if (!IsWithin(options.receive_buffer, 1u, 1u << 30)) {
    return BadOption("receive_buffer", "1 byte to 1 GiB");
  }
  return {};
}

Watch::Watch(Planner& planner, netlink::NetworkNamespace netns, const WatchOptions& options,
             Repair repair)
    : planner_(planner),
      netns_(std::move(netns)),
      options_(options),
      repair_(std::move(repair)),
      reader_(planner.client(), netlink::ExtraMode::kDrop),
      buffer_(kReceiveSize),
      schedule_(Parts(Part::kDevices) | Part::kSettings, options.debounce, options.poll_interval,
                BootClock::now()),
      bucket_(options.repair_burst, options.repair_interval),
      peers_(options.peer_timeout) {}

Result<std::unique_ptr<Watch>> Watch::Open(Planner& planner, netlink::NetworkNamespace netns,
                                           const WatchOptions& options, Repair repair) {
  std::unique_ptr<Watch> watch(new Watch(planner, std::move(netns), options, std::move(repair)));
  WGNET_RETURN_IF_ERROR(watch->Prepare());
  return watch;
}

Status Watch::Prepare() {
  poll_ = UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  if (!poll_.ok()) return NoDescriptor("epoll");
  timer_ = UniqueFd(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer_.ok()) return NoDescriptor("timerfd");
  WGNET_RETURN_IF_ERROR(AddToPoll(timer_.get()));
  if (repair_) {
    WGNET_ASSIGN_OR_RETURN(Planner::Done done, repair_(std::nullopt));
    TellRepair(std::move(done));
  }
  schedule_.Mark(Parts::All(), Moment());
  Arm();
  return {};
}

Status Watch::AddToPoll(int fd) const {
  epoll_event event{};
  event.events = EPOLLIN;
  if (epoll_ctl(poll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return NoDescriptor("epoll");
  return {};
}

// Messages that are about nothing of ours, in spite of the filter, may come by the thousand: they
// are then read together. Lost ones wake all the same.
void Watch::SetDozing(bool dozing, Moment now) {
  doze_until_ = now + kDoze;
  if (dozing == dozing_) return;
  dozing_ = dozing;
  epoll_event event{};
  event.events = dozing ? 0u : uint32_t{EPOLLIN};
  for (const auto* socket : {&route_events_, &nft_events_}) {
    if (*socket) epoll_ctl(poll_.get(), EPOLL_CTL_MOD, (*socket)->fd(), &event);
  }
}

void Watch::Arm() const {
  Moment next = schedule_.Next();
  if (dozing_) next = std::min(next, doze_until_);
  if (WantsRepair()) next = std::min(next, bucket_.Next(Moment()));
  // 0 would disarm it.
  const auto at = std::max<BootClock::duration>(next.time_since_epoch(), BootClock::duration(1));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(at);
  itimerspec time{};
  time.it_value = {seconds.count(), (at - seconds).count()};
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &time, nullptr);
}

Result<std::vector<Event>> Watch::Read() {
  const Drained drained = DrainAll();
  const Moment now = BootClock::now();
  SetDozing(drained.messages > 0 && !drained.marked, now);
  const Parts due = RepairIsDue(now) ? Parts::All() : schedule_.Due(now);
  if (!due.empty()) {
    const auto locked = Look(due);
    if (!locked) {
      HoldUntil(due, BootClock::now() + options_.poll_interval);
      Arm();
      return locked.error();
    }
    // While messages wait, more may be lost without a word.
    if (!drained.all) schedule_.Mark(Parts::All(), BootClock::now());
    if (*locked && RepairIsDue(now)) RepairNow();
  }
  schedule_.PollAll(drift_ != nullptr && drift_->count() > 0);
  Arm();
  return std::exchange(events_, {});
}

// ---- messages of the kernel ----

Watch::Drained Watch::DrainAll() {
  Drained all{.all = true};
  const auto add = [&](const Drained& one) {
    all = {all.messages + one.messages, all.all && one.all, all.marked || one.marked};
  };
  if (route_events_) add(Drain(*route_events_, Part::kNetwork));
  if (nft_events_) add(Drain(*nft_events_, Part::kNftables));
  return all;
}

Watch::Drained Watch::Drain(const netlink::EventSocket& socket, Part part) {
  Drained drained;
  bool lost = false;
  const auto mark = [&](Parts parts) {
    drained.marked = true;
    schedule_.Mark(parts, BootClock::now());
  };
  for (; drained.messages < kMostDatagrams; ++drained.messages) {
    const ssize_t size = socket.Receive(buffer_);
    if (size == -EAGAIN) {
      drained.all = true;
      break;
    }
    if (size < 0) {
      if (!lost) events_.emplace_back().kind = Event::Kind::kLost;
      lost = true;
      mark(Parts::All());
      continue;
    }
    if (drained.marked) continue;
    const netlink::Bytes datagram(buffer_.data(), static_cast<size_t>(size));
    bool concerns = false;
    const bool whole = netlink::ForEachMessage(datagram, [&](const netlink::Message& message) {
      concerns =
          part == Part::kNetwork ? drift_->IsToldOf(message) : drift_->IsToldOfTable(message);
      return !concerns;
    });
    if (concerns || !whole) mark(part);
  }
  return drained;
}

// ---- looking ----

bool Watch::RecordChanged() const {
  return drift_ == nullptr || planner_.state_dir().StampOf(planner_.owner()) != stamp_;
}

void Watch::HoldUntil(Parts parts, Moment moment) {
  schedule_.Postpone(parts, moment);
  bucket_.HoldUntil(moment);
}

// Without a lock as long as all is well; what seems wrong is looked at again while no transaction
// runs, since in the middle of one the kernel is not as on record. True if it was.
Result<bool> Watch::Look(Parts parts) {
  const Moment begin = BootClock::now();
  if (!RecordChanged() && !RepairIsDue(begin)) {
    Drift::Sight sight(*drift_, false);
    WGNET_RETURN_IF_ERROR(reader_.Read(drift_->ScopeOf(parts, drift_->count() > 0), sight));
    if (!drift_->IsNew(sight, parts)) {
      See(sight, parts);
      schedule_.Looked(parts, begin, BootClock::now());
      return false;
    }
  }
  const auto lock = planner_.state_dir().Lock(std::chrono::milliseconds(0));
  if (!lock) {
    if (lock.error().code != ErrorCode::kBusy) return lock.error();
    HoldUntil(parts, begin + kTryAgain);
    return false;
  }
  const bool reload = RecordChanged();
  if (reload) {
    WGNET_RETURN_IF_ERROR(ReloadRecord());
    parts = Parts::All();
  }
  Drift::Sight sight(*drift_, reload);
  WGNET_RETURN_IF_ERROR(reader_.Read(drift_->ScopeOf(parts, true), sight));
  drift_->Tell(sight, parts, events_);
  See(sight, parts);
  schedule_.Looked(parts, begin, BootClock::now());
  return true;
}

void Watch::See(const Drift::Sight& sight, Parts parts) {
  if (!parts.Has(Part::kDevices)) return;
  peers_.See(sight.peers(), BootClock::now(), std::chrono::system_clock::now(), events_);
}

Status Watch::ReloadRecord() {
  const StateDir::Stamp stamp = planner_.state_dir().StampOf(planner_.owner());
  WGNET_ASSIGN_OR_RETURN(std::vector<Record> records, planner_.state_dir().Load());
  const auto found = std::find_if(records.begin(), records.end(), [&](const Record& record) {
    return record.owner == planner_.owner();
  });
  Record own;
  own.owner = planner_.owner();
  if (found != records.end()) own = std::move(*found);
  const bool superseded = kept_ && own.node_number != kept_;
  is_part_ = own.objects.size() < kept_objects_;
  if (!superseded) kept_objects_ = std::max(kept_objects_, own.objects.size());
  if (superseded && !superseded_) events_.emplace_back().kind = Event::Kind::kSuperseded;
  superseded_ = superseded;
  drift_ = std::make_unique<Drift>(std::move(own));
  WGNET_RETURN_IF_ERROR(Subscribe());
  stamp_ = stamp;
  return {};
}

// Only to what the owner has, so that what others do costs nothing.
Status Watch::Subscribe() {
  const int size = static_cast<int>(options_.receive_buffer);
  std::vector<int> groups;
  const auto add = [&](bool wanted, std::initializer_list<int> more) {
    if (wanted) groups.insert(groups.end(), more);
  };
  add(drift_->Has<kernel::Link>(), {RTNLGRP_LINK});
  add(drift_->Has<kernel::Address>(), {RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR});
  add(drift_->Has<kernel::Route>(), {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE});
  add(drift_->Has<kernel::Rule>(), {RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE});
  if (!route_events_) {
    WGNET_ASSIGN_OR_RETURN(auto socket, netlink::EventSocket::Open(netns_, NETLINK_ROUTE, size));
    route_events_ = std::move(socket);
    WGNET_RETURN_IF_ERROR(AddToPoll(route_events_->fd()));
  }
  const std::vector<kernel::Route> routes = drift_->Routes();
  WGNET_RETURN_IF_ERROR(route_events_->SetFilter(kernel::RouteFilter(routes)));
  WGNET_RETURN_IF_ERROR(route_events_->SetGroups(groups));
  if (!nft_events_ && drift_->Has<kernel::NftTable>()) {
    WGNET_ASSIGN_OR_RETURN(auto socket,
                           netlink::EventSocket::Open(netns_, NETLINK_NETFILTER, size));
    nft_events_ = std::move(socket);
    WGNET_RETURN_IF_ERROR(AddToPoll(nft_events_->fd()));
  }
  if (!nft_events_) return {};
  return nft_events_->SetGroups(drift_->Has<kernel::NftTable>() ? std::vector<int>{NFNLGRP_NFTABLES}
                                                                : std::vector<int>());
}

// ---- repairing ----

bool Watch::WantsRepair() const {
  if (!repair_ || superseded_ || drift_ == nullptr) return false;
  return (drift_->count() > 0 || is_part_) && !RecordChanged();
}

bool Watch::RepairIsDue(Moment now) const { return WantsRepair() && bucket_.Next(now) <= now; }

// What is found wrong although there is nothing to do, or in spite of a repair, waits its turn.
void Watch::RepairNow() {
  bucket_.Take(BootClock::now());
  auto done = repair_(kept_);
  const Moment now = BootClock::now();
  if (!done || done->steps == 0) bucket_.HoldUntil(now + options_.repair_interval);
  if (done) {
    TellRepair(*std::move(done));
  } else {
    Event& event = events_.emplace_back();
    event.kind = Event::Kind::kRepairFailed;
    event.error = std::move(done).error();
  }
  schedule_.Mark(Parts::All(), now);
}

void Watch::TellRepair(Planner::Done done) {
  kept_ = done.node_number;
  kept_objects_ = done.objects;
  is_part_ = false;
  if (done.steps == 0 && done.warnings.empty()) return;
  Event& event = events_.emplace_back();
  event.kind = Event::Kind::kRepaired;
  event.steps = done.steps;
  event.warnings = std::move(done.warnings);
}

}  // namespace wgnet::plan
