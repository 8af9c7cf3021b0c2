// SPDX-License-Identifier: MIT OR Apache-2.0
// Reading what the user wants: wg-quick files and documents of schema "wgnet/1".
#ifndef WGNET_EXAMPLES_WGNET_INPUT_H_
#define WGNET_EXAMPLES_WGNET_INPUT_H_

#include <string>
#include <string_view>
#include <vector>

#include "command.h"
#include "secret_text.h"
#include "wgnet/conf.h"
#include "wgnet/node.h"

namespace cli {

/// Where an input is.
struct Source {
  std::string path;       ///< "-": standard input
  std::string interface;  ///< of a wg-quick file, if its path tells
};

/// "-" is standard input, "node.json" that file, "wg0" and "dir/wg0.conf" what they are to
/// wg-quick(8), and anything else with a slash a path.
wgnet::Result<Source> FindSource(std::string_view argument);

struct Input {
  wgnet::Node node;
  wgnet::Hooks hooks;
  std::string owner;
  std::vector<std::string> warnings;
};

/// What becomes of the hooks, and of SaveConfig, in a wg-quick file.
enum class HookUse {
  kNone,  ///< they are an error, or skipped with a warning if the arguments say so
  kRun,   ///< they are in Input::hooks, unless the arguments say to skip them
};

/// Reads arguments.input. A document begins with `{`; whatever does not is a wg-quick file.
wgnet::Result<Input> LoadInput(const Arguments& arguments, HookUse use);

/// The owner of a wg-quick file's interface.
std::string QuickOwner(std::string_view interface);

/// Everything that can be read from `fd`, up to `most` bytes. `name` is for errors.
wgnet::Result<SecretText> ReadAll(int fd, std::string_view name, size_t most);

/// The same of a file.
wgnet::Result<SecretText> ReadFile(const std::string& path, size_t most);

/// The node of a wg-quick file. Lines that are not carried out are an error that names them, or
/// where `arguments` say to skip them a warning each.
wgnet::Result<Input> InputOf(const wgnet::ConfFile& file, std::string_view interface,
                             const Arguments& arguments, HookUse use);

}  // namespace cli

#endif  // WGNET_EXAMPLES_WGNET_INPUT_H_
