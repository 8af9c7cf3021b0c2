// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/undo_sender.h"

#include <climits>

namespace wgnet::plan {
namespace {

using netlink::Bus;

constexpr size_t kMostParts = IOV_MAX - 2;  // a batch has a begin and an end besides

}  // namespace

void UndoSender::Add(Bus bus, const Part& part) {
  const size_t size = part.end - part.begin;
  const bool is_full = size_ + size > client_.transport().SendLimit(bus);
  if (bus != bus_ || parts_.size() >= kMostParts || (is_full && bus != Bus::kNetfilter)) Flush();
  bus_ = bus;
  if (parts_.empty() && bus == Bus::kNetfilter) Push(waves_.undo_batch_begin());
  Push(part);
  last_message_ = part.last_message;
  size_ += size;
}

void UndoSender::Flush() {
  if (!parts_.empty()) {
    if (bus_ == Bus::kNetfilter) Push(waves_.undo_batch_end());
    client_.Change(bus_, parts_, MessageAt(waves_.undo_bytes(bus_), last_message_),
                   [](const netlink::KernelError&) {});
  }
  parts_.clear();
  size_ = 0;
}

// What lies side by side is one part.
void UndoSender::Push(const Part& part) {
  const iovec next = PartOf(waves_.undo_bytes(bus_), part.begin, part.end);
  const bool follows =
      !parts_.empty() &&
      static_cast<std::byte*>(parts_.back().iov_base) + parts_.back().iov_len == next.iov_base;
  if (follows) {
    parts_.back().iov_len += next.iov_len;
  } else {
    parts_.push_back(next);
  }
}

}  // namespace wgnet::plan
