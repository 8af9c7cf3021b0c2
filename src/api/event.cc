// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "src/base/error_json.h"
#include "src/base/json_writer.h"
#include "wgnet/watch.h"

namespace wgnet {
namespace {

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
      return name +
             ": another node of this owner was applied; this one is kept no more, unless that goes "
             "back";
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

}  // namespace wgnet
