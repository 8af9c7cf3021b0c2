// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/watch.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "src/api/watcher_impl.h"
#include "src/base/error_json.h"
#include "src/base/json_writer.h"
#include "src/base/no_memory.h"
#include "src/base/try.h"

namespace wgnet {
namespace {

using Clock = std::chrono::steady_clock;

// -1: without end.
int MillisecondsTo(const std::optional<Clock::time_point>& deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT32_MAX));
}

std::string PeerText(const Event& event) {
  return fmt::format("{} of {}", event.peer.ToString(), event.interface);
}

std::string ChangesText(const std::vector<Event::Change>& changes) {
  std::string text;
  for (const Event::Change& change : changes) {
    text += fmt::format("{}{} is {}, not {}", text.empty() ? "" : "; ", change.attribute,
                        change.found.empty() ? "not set" : change.found,
                        change.recorded.empty() ? "empty" : change.recorded);
  }
  return text;
}

std::string EndpointText(const std::optional<Endpoint>& endpoint) {
  return endpoint ? endpoint->ToString() : "nowhere";
}

std::string OnOneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

void WriteChanges(const std::vector<Event::Change>& changes, JsonWriter& out) {
  if (changes.empty()) return;
  out.Key("changes").Array([&] {
    for (const Event::Change& change : changes) {
      out.Object([&] {
        out.Key("attribute").String(change.attribute);
        out.Key("recorded").String(change.recorded);
        out.Key("found").String(change.found);
      });
    }
  });
}

}  // namespace

std::string_view EventKindName(Event::Kind kind) {
  constexpr std::string_view kNames[] = {"missing",       "changed",    "back", "peer-up",
                                         "peer-down",     "peer-moved", "lost", "repaired",
                                         "repair-failed", "superseded"};
  return kNames[static_cast<int>(kind) - 1];
}

std::string Event::ToString() const {
  const std::string name(EventKindName(kind));
  switch (kind) {
    case Kind::kMissing:
    case Kind::kBack:
      return name + ": " + command;
    case Kind::kChanged:
      return fmt::format("{}: {}: {}", name, command, ChangesText(changes));
    case Kind::kPeerUp:
    case Kind::kPeerDown:
      return fmt::format("{}: {}, at {}", name, PeerText(*this), EndpointText(endpoint));
    case Kind::kPeerMoved:
      return fmt::format("{}: {}, from {} to {}", name, PeerText(*this), EndpointText(previous),
                         EndpointText(endpoint));
    case Kind::kLost:
      return name + ": messages of the kernel did not fit; all is read again";
    case Kind::kRepaired:
      return fmt::format("{}: {} steps done", name, steps);
    case Kind::kRepairFailed:
      return fmt::format("{}: {}", name, error ? OnOneLine(error->ToString()) : "");
    case Kind::kSuperseded:
      return name + ": another node of this owner was applied; this one is not kept any more";
  }
  return name;
}

std::string Event::ToJson() const {
  JsonWriter out(false);
  out.Object([&] {
    out.Key("schema").String("wgnet/1");
    out.Key("event").Object([&] {
      out.Key("kind").String(EventKindName(kind));
      if (!object.empty()) out.Key("object").String(object);
      if (!command.empty()) out.Key("command").String(command);
      WriteChanges(changes, out);
      if (!interface.empty()) out.Key("interface").String(interface);
      if (peer != PublicKey()) out.Key("peer").String(peer.ToString());
      if (endpoint) out.Key("endpoint").String(endpoint->ToString());
      if (previous) out.Key("previous_endpoint").String(previous->ToString());
      if (kind == Kind::kRepaired) out.Key("steps").Number(steps);
      if (!warnings.empty()) {
        out.Key("warnings").Array([&] {
          for (const std::string& warning : warnings) out.String(warning);
        });
      }
      if (error) WriteJson(*error, out);
    });
  });
  return out.text();
}

Watcher::Watcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Watcher::Watcher(Watcher&&) noexcept = default;
Watcher& Watcher::operator=(Watcher&&) noexcept = default;
Watcher::~Watcher() = default;

int Watcher::fd() const { return impl_->watch->fd(); }

Result<std::vector<Event>> Watcher::Read() {
  return CatchNoMemory([&]() -> Result<std::vector<Event>> {
    WGNET_ASSIGN_OR_RETURN(std::vector<Event> fresh, impl_->watch->Read());
    std::vector<Event> events = std::exchange(impl_->left, {});
    std::move(fresh.begin(), fresh.end(), std::back_inserter(events));
    return events;
  });
}

Status Watcher::Run(const std::function<bool(const Event&)>& on_event,
                    std::optional<std::chrono::milliseconds> timeout) {
  std::optional<Clock::time_point> deadline;
  if (timeout) deadline = Clock::now() + *timeout;
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
