// SPDX-License-Identifier: MIT OR Apache-2.0
// Sends messages that take ops back, as few sends as can be.
#ifndef WGNET_PLAN_UNDO_SENDER_H_
#define WGNET_PLAN_UNDO_SENDER_H_

#include <vector>

#include "src/plan/waves.h"

namespace wgnet::plan {

/// Allocates nothing, if `parts` has room for as many as are added, and two. All must outlive it.
class UndoSender {
 public:
  UndoSender(Waves& waves, netlink::Client& client, std::vector<iovec>& parts)
      : waves_(waves), client_(client), parts_(parts) {
    parts_.clear();
  }

  /// Messages of one op, for this bus; what is held for another one is sent before.
  void Add(netlink::Bus bus, const Part& part);
  /// Sends what is held. What is refused shows in the next reading.
  void Flush();

 private:
  void Push(const Part& part);

  Waves& waves_;
  netlink::Client& client_;
  std::vector<iovec>& parts_;
  netlink::Bus bus_ = netlink::Bus::kRoute;
  size_t last_message_ = 0;
  size_t size_ = 0;
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_UNDO_SENDER_H_
