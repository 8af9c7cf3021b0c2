// SPDX-License-Identifier: MIT OR Apache-2.0
// show, showconf and status: what is there.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "command.h"
#include "show.h"
#include "wgnet/snapshot.h"

namespace cli {
namespace {

using wgnet::Result;
using wgnet::Secrets;
using wgnet::Snapshot;

std::string_view Environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

bool RevealsKeys() { return Environment("WG_HIDE_KEYS") == "never"; }

bool WantsColor() {
  const std::string_view mode = Environment("WG_COLOR_MODE");
  return mode == "always" || (mode != "never" && isatty(STDOUT_FILENO) != 0);
}

Result<Snapshot> Read(const Arguments& arguments) {
  auto session = OpenSession(arguments, arguments.session.owner);
  if (!session) return session.error();
  return session->Snapshot();
}

wgnet::Error Unserved(const std::string& name) {
  return {.code = wgnet::ErrorCode::kNotFound,
          .message = "no program serves " + name + " any more",
          .hint = "bringing it up, or applying its node, again starts the program",
          .error_number = ECONNREFUSED};
}

// Leaves the device of that name.
wgnet::Status Select(const std::string& name, Snapshot& snapshot) {
  const auto& unserved = snapshot.unserved;
  if (std::find(unserved.begin(), unserved.end(), name) != unserved.end()) return Unserved(name);
  std::erase_if(snapshot.devices, [&](const auto& device) { return device.name != name; });
  if (!snapshot.devices.empty()) return {};
  return wgnet::Error{.code = wgnet::ErrorCode::kNotFound,
                      .message = "there is no WireGuard interface " + name,
                      .hint = "`wgnet show interfaces` lists those that exist",
                      .error_number = ENODEV};
}

SecretText ShowText(const Arguments& arguments, const Snapshot& snapshot) {
  if (arguments.target == "interfaces") return ShowNames(snapshot.devices);
  if (!arguments.field.empty()) {
    return ShowField(snapshot.devices, arguments.field, arguments.target == "all");
  }
  return ShowPretty(
      snapshot.devices,
      {.color = WantsColor(), .reveal_keys = RevealsKeys(), .now = std::time(nullptr)});
}

std::string Plural(size_t count, std::string_view noun) {
  return std::to_string(count) + ' ' + std::string(noun) + (count == 1 ? "" : "s");
}

// "wg-quick:wg0: wg0, 12 objects, 1 missing"
std::string PendingLine(const wgnet::PendingChange& change) {
  const auto left = std::chrono::ceil<std::chrono::seconds>(change.left);
  return change.owner + ": a change waits to be confirmed, for another " +
         std::to_string(left.count()) + " s\n";
}

std::string StatusLine(const wgnet::OwnerStatus& owner) {
  std::string text = owner.owner + ":";
  for (const std::string& interface : owner.interfaces) text += ' ' + interface;
  if (!owner.interfaces.empty()) text += ',';
  text += ' ' + Plural(owner.objects, "object");
  if (owner.missing != 0) text += ", " + std::to_string(owner.missing) + " missing";
  return text + '\n';
}

}  // namespace

Outcome Show(const Arguments& arguments, const Console& console) {
  auto snapshot = Read(arguments);
  if (!snapshot) return snapshot.error();
  if (arguments.target != "all" && arguments.target != "interfaces") {
    if (const auto selected = Select(arguments.target, *snapshot); !selected) {
      return selected.error();
    }
  }
  for (const std::string& name : snapshot->unserved) {
    if (name != arguments.target) console.Warn(Unserved(name).message);
  }
  if (!console.json()) return DoneIf(console.Print(ShowText(arguments, *snapshot)));
  snapshot->owners.clear();
  const Secrets secrets = RevealsKeys() ? Secrets::kReveal : Secrets::kHide;
  return DoneIf(console.Print(TakeSecret(snapshot->ToJson(secrets)) += '\n'));
}

Result<wgnet::DeviceStatus> ReadDevice(const std::string& name, const Arguments& arguments) {
  auto snapshot = Read(arguments);
  if (!snapshot) return snapshot.error();
  if (const auto selected = Select(name, *snapshot); !selected) return selected.error();
  return std::move(snapshot->devices.front());
}

Outcome ShowConf(const Arguments& arguments, const Console& console) {
  const auto device = ReadDevice(arguments.words[0], arguments);
  if (!device) return device.error();
  return DoneIf(console.Print(ShowConfText(*device)));
}

Outcome Status(const Arguments& arguments, const Console& console) {
  auto snapshot = Read(arguments);
  if (!snapshot) return snapshot.error();
  snapshot->devices.clear();
  if (console.json()) return DoneIf(console.Print(snapshot->ToJson() + "\n"));
  std::string text;
  for (const wgnet::OwnerStatus& owner : snapshot->owners) text += StatusLine(owner);
  if (snapshot->pending) text += PendingLine(*snapshot->pending);
  return DoneIf(console.Print(text));
}

}  // namespace cli
