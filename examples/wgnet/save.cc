// SPDX-License-Identifier: MIT OR Apache-2.0
// save and strip: what is in a wg-quick file.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "command.h"
#include "secret_text.h"
#include "wgnet/conf.h"

namespace cli {
namespace {

using wgnet::ConfFile;
using wgnet::DeviceStatus;
using wgnet::Error;
using wgnet::Result;

Result<DeviceStatus> StateOf(const std::string& interface, const Arguments& arguments) {
  auto session = OpenSession(arguments, arguments.session.owner);
  if (!session) return session.error();
  auto snapshot = session->Snapshot();
  if (!snapshot) return snapshot.error();
  for (DeviceStatus& device : snapshot->devices) {
    if (device.name == interface) return std::move(device);
  }
  return Error{.code = wgnet::ErrorCode::kNotFound,
               .message = "there is no WireGuard interface " + interface,
               .hint = "`wgnet show interfaces` lists those that exist",
               .error_number = ENODEV};
}

}  // namespace

wgnet::Status SaveState(const ConfFile& file, const ConfFile::Location& location,
                        const Arguments& arguments) {
  const auto state = StateOf(location.interface, arguments);
  if (!state) return state.error();
  return file.Save(*state, location.path);
}

Outcome Save(const Arguments& arguments, const Console&) {
  const auto location = ConfFile::Locate(arguments.input);
  if (!location) return location.error();
  const auto file = ConfFile::Read(location->path);
  if (!file) return file.error();
  return DoneIf(SaveState(*file, *location, arguments));
}

Outcome Strip(const Arguments& arguments, const Console& console) {
  const auto location = ConfFile::Locate(arguments.input);
  if (!location) return location.error();
  const auto file = ConfFile::Read(location->path);
  if (!file) return file.error();
  SecretText text;
  for (const ConfFile::Line& line : file->lines()) {
    if (line.is_wg_quick) continue;
    text.append(line.text).append("\n");
  }
  return DoneIf(console.Print(text.append("\n")));  // wg-quick's echo adds an empty line
}

}  // namespace cli
