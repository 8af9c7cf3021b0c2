// SPDX-License-Identifier: MIT OR Apache-2.0
// What tests of Session::Watch share: an owner's session, a watcher that looks often, and what it
// has told. WireGuard is wireguard-go's on the host, and the kernel's in the guest.
#ifndef WGNET_TESTS_SUPPORT_WATCHING_H_
#define WGNET_TESTS_SUPPORT_WATCHING_H_

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "wgnet/session.h"
#include "wgnet/watch.h"

namespace wgnet::testing {

Result<Session> OpenSession(const std::string& directory, const std::string& owner = "owner");

/// A watcher that looks often, and repairs when `keep` is set.
Result<Watcher> Watch(Session& session, std::optional<Node> keep, WatchOptions options = {});

/// The kernel's state, once it moves no more.
std::string StateNow();
/// The same, but links without their numbers.
std::string StateByName();

/// What a watcher has told, as it comes.
class Listener {
 public:
  explicit Listener(Watcher watcher) : watcher_(std::move(watcher)) {}

  /// Waits for an event for which `wanted(event)` holds; null: none came.
  const Event* WaitFor(const std::function<bool(const Event&)>& wanted);
  const Event* WaitFor(Event::Kind kind) {
    return WaitFor([kind](const Event& event) { return event.kind == kind; });
  }
  /// Listens for so long.
  void Listen(std::chrono::milliseconds time);

  const std::vector<Event>& events() const { return events_; }
  size_t Count(Event::Kind kind) const;
  std::string Said() const;
  Watcher& watcher() { return watcher_; }

 private:
  Watcher watcher_;
  std::vector<Event> events_;
  size_t heard_ = 0;
  std::string error_;
};
/// Objects of others, of every kind.
void MakeForeign();

std::string KeyOf(const char* seed);
/// An interface wg0 with a hundred routes.
Node ManyRoutes();
/// One that has less, and other addresses for each number.
Node OtherNode(int number);

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_WATCHING_H_
