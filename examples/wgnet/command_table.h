// SPDX-License-Identifier: MIT OR Apache-2.0
// The table of subcommands.
#ifndef WGNET_EXAMPLES_WGNET_COMMAND_TABLE_H_
#define WGNET_EXAMPLES_WGNET_COMMAND_TABLE_H_

#include <span>
#include <string>

#include "options.h"

namespace cli {

struct Command {
  const char* name;
  const char* description;
  void (*add_options)(CLI::App&, Arguments&);
  Outcome (*run)(const Arguments&, const Console&);
  /// For what wg(8) has, too: takes `arguments.words` by its grammar, if they fit.
  bool (*read_words)(Arguments&) = nullptr;
  const char* usage = "";  ///< of those words
};

std::span<const Command> Commands();

/// Carries the command out, and says what failed. Called as `program`, where a command has words of
/// wg(8)'s grammar that do not fit, it prints its usage, and has failed.
ExitStatus Run(const Command& command, Arguments& arguments, const std::string& program,
               const Console& console);

/// "Usage: wg showconf INTERFACE"
std::string UsageOf(const Command& command, const std::string& program);

}  // namespace cli

#endif  // WGNET_EXAMPLES_WGNET_COMMAND_TABLE_H_
