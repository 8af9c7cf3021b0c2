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
  std::string owner;
  std::vector<std::string> warnings;
};

/// Reads arguments.input. A document begins with `{`; whatever does not is a wg-quick file.
wgnet::Result<Input> LoadInput(const Arguments& arguments);

/// The owner of a wg-quick file's interface.
std::string QuickOwner(std::string_view interface);

/// Everything that can be read from `fd`, up to `most` bytes. `name` is for errors.
wgnet::Result<SecretText> ReadAll(int fd, std::string_view name, size_t most);

/// The node of a wg-quick file. Lines that no plan can hold (DNS, hooks, SaveConfig) are an error
/// that names them, or where `arguments` say to skip them a warning each.
wgnet::Result<Input> InputOf(const wgnet::ConfFile& file, std::string_view interface,
                             const Arguments& arguments);

}  // namespace cli

#endif  // WGNET_EXAMPLES_WGNET_INPUT_H_
