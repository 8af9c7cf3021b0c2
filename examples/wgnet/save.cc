// SPDX-License-Identifier: MIT OR Apache-2.0
// save and strip: what is in a wg-quick file.
#include "command.h"
#include "secret_text.h"
#include "wgnet/conf.h"

namespace cli {

using wgnet::ConfFile;

wgnet::Status SaveState(const ConfFile& file, const ConfFile::Location& location,
                        const Arguments& arguments) {
  const auto state = ReadDevice(location.interface, arguments);
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
