// SPDX-License-Identifier: MIT OR Apache-2.0
// Options and operands, by subcommand.
#ifndef WGNET_EXAMPLES_WGNET_OPTIONS_H_
#define WGNET_EXAMPLES_WGNET_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <string>

#include "command.h"

namespace cli {

void AddGlobalOptions(CLI::App& app, Arguments& arguments);

void AddInput(CLI::App& app, Arguments& arguments);
void AddChangeOptions(CLI::App& app, Arguments& arguments);
void AddApplyOptions(CLI::App& app, Arguments& arguments);
void AddResolveOptions(CLI::App& app, Arguments& arguments);
void AddWatchOptions(CLI::App& app, Arguments& arguments);
void AddPlanOptions(CLI::App& app, Arguments& arguments);
void AddQuickFile(CLI::App& app, Arguments& arguments);
void AddDownOptions(CLI::App& app, Arguments& arguments);
void AddDeleteOptions(CLI::App& app, Arguments& arguments);
void AddGcOptions(CLI::App& app, Arguments& arguments);
void AddShowOptions(CLI::App& app, Arguments& arguments);
void AddToken(CLI::App& app, Arguments& arguments);
void AddExtendOptions(CLI::App& app, Arguments& arguments);
void AddGuardOptions(CLI::App& app, Arguments& arguments);
void AddNothing(CLI::App& app, Arguments& arguments);
/// Everything from the first operand on is a word of wg(8)'s own grammar.
void AddWords(CLI::App& app, Arguments& arguments);

/// "wgnet 0.1.0 (nftables: ...)"
std::string VersionText();

}  // namespace cli

#endif  // WGNET_EXAMPLES_WGNET_OPTIONS_H_
