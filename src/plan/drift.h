// SPDX-License-Identifier: MIT OR Apache-2.0
// The difference between what an owner has on record and what the kernel has.
#ifndef WGNET_PLAN_DRIFT_H_
#define WGNET_PLAN_DRIFT_H_

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "src/plan/pace.h"
#include "src/plan/reader.h"
#include "src/plan/record.h"
#include "wgnet/watch.h"

namespace wgnet::plan {

/// A peer on record, as the kernel has it.
struct SeenPeer {
  const kernel::WgPeer* recorded;
  std::optional<kernel::SocketAddress> endpoint;
  kernel::HandshakeTime last_handshake;
};

/// What a record expects of the kernel, and how the kernel was last found to differ. Name servers
/// are not looked at: asking a resolver for them may take long.
class Drift {
 public:
  explicit Drift(Record record);
  ~Drift();
  Drift(const Drift&) = delete;  // the index points into the object
  Drift& operator=(const Drift&) = delete;

  /// What to read to look at these parts. A route that is not there may have been replaced by one
  /// through another link: then `whole` tables tell, which may be large.
  Scope ScopeOf(Parts parts, bool whole) const;

  /// Whether a message that rtnetlink(7) gives of a change is about one of the objects.
  bool IsToldOf(const netlink::Message& message) const;
  /// Whether one of nftables is about something in one of the tables.
  bool IsToldOfTable(const netlink::Message& message) const;

  /// One look at the kernel.
  class Sight;
  /// Whether it tells something new of these parts.
  bool IsNew(const Sight& sight, Parts parts) const;
  /// Remembers what it tells, and adds what is new to `events`.
  void Tell(const Sight& sight, Parts parts, std::vector<Event>& events);

  /// How many objects are not as on record.
  size_t count() const { return drifted_; }
  const Record& record() const { return record_; }
  /// The routes, and whether there are objects of this kind.
  std::vector<kernel::Route> Routes() const;
  template <class T>
  bool Has() const {
    return HasKind(kernel::Object(T()).index());
  }

 private:
  enum class State : uint8_t {
    kAsRecorded,
    kMissing,
    kAlong,  // gone with the link or the table that it was in, which tells
    kChanged,
  };
  struct Finding {
    State state = State::kAsRecorded;
    std::vector<Event::Change> changes;
    bool operator==(const Finding&) const = default;
  };

  template <class T>
  bool IsToldOfA(const netlink::Message& message) const;
  template <class T>
  bool IsToldOfTableOf(const netlink::Message& message) const;
  bool HasKind(size_t kind) const;
  std::optional<size_t> ContainerOf(const kernel::Object& object) const;
  std::vector<bool> GoneIn(const Sight& sight) const;
  Finding FindingOf(const Sight& sight, const std::vector<bool>& gone, size_t object) const;
  Event EventOf(size_t object, const Finding& now) const;

  using Index =
      std::unordered_map<const kernel::Object*, size_t, kernel::KeyHash, kernel::KeyEqual>;
  Record record_;
  std::vector<kernel::Object> objects_;  // with settings, and with keys once they were seen
  Index index_;
  std::vector<bool> states_key_;                   // of each object
  std::vector<std::optional<size_t>> containers_;  // of each object: another one, that it is in
  std::vector<Finding> known_;                     // of each object
  size_t drifted_ = 0;
};

/// Compares while it is read, and keeps no object: a table of a million routes passes through.
class Drift::Sight final : public ObjectVisitor {
 public:
  /// `takes_keys`: the record has no keys, and of those that it says are stated the found ones are
  /// expected from now on.
  Sight(Drift& drift, bool takes_keys);

  std::span<const SeenPeer> peers() const { return peers_; }

  void Restart() override;
  void Visit(const kernel::Object& object) override;
  void VisitRule(const kernel::NftRule& rule) override;

 private:
  friend class Drift;
  struct Seen {
    bool any = false;
    bool holds = false;
    std::vector<Event::Change> changes;
    size_t rules = 0;  // of a chain: how many of its own were found in their order
  };

  Drift& drift_;
  bool takes_keys_;
  std::vector<Seen> seen_;  // of each object
  std::vector<SeenPeer> peers_;
  std::vector<kernel::Link> links_;
  kernel::Object chain_ = kernel::NftChain();  // to look up the chain of a rule
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_DRIFT_H_
