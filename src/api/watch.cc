// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/watch.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "src/api/watcher_impl.h"
#include "src/base/no_memory.h"
#include "src/base/try.h"

namespace wgnet {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::hours kLongest(24 * 365);  // else it is without end

// -1: without end.
int MillisecondsTo(const std::optional<Clock::time_point>& deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT32_MAX));
}

}  // namespace

Watcher::Watcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Watcher::Watcher(Watcher&&) noexcept = default;
Watcher& Watcher::operator=(Watcher&&) noexcept = default;
Watcher::~Watcher() = default;

int Watcher::fd() const { return impl_->watch->fd(); }

Result<std::vector<Event>> Watcher::Read() {
  return CatchNoMemory([&]() -> Result<std::vector<Event>> {
    if (!impl_->left.empty()) return std::exchange(impl_->left, {});
    return impl_->watch->Read();
  });
}

Status Watcher::Run(const std::function<bool(const Event&)>& on_event,
                    std::optional<std::chrono::milliseconds> timeout) {
  std::optional<Clock::time_point> deadline;
  if (timeout && *timeout < kLongest) deadline = Clock::now() + *timeout;
  while (true) {
    WGNET_ASSIGN_OR_RETURN(auto events, Read());
    for (auto event = events.begin(); event != events.end(); ++event) {
      if (on_event(*event)) continue;
      impl_->left.assign(std::move_iterator(event + 1), std::move_iterator(events.end()));
      return {};
    }
    const int wait = MillisecondsTo(deadline);
    if (wait == 0) return {};
    pollfd ready{fd(), POLLIN, 0};
    if (poll(&ready, 1, wait) < 0 && errno != EINTR) {
      return Error{.code = ErrorCode::kIo, .message = "poll", .error_number = errno};
    }
  }
}

}  // namespace wgnet
