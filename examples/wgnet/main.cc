// SPDX-License-Identifier: MIT OR Apache-2.0
// wgnet(8), and wg(8) and wg-quick(8) under their names.
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "command_table.h"
#include "key_text.h"
#include "quick_call.h"
#include "wg_call.h"

namespace cli {
namespace {

constexpr char kProgram[] = "wgnet";

// CLI11 says of an unknown subcommand only that one is required.
std::string MessageOf(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = app.remaining();
  if (!app.get_subcommands().empty() || unknown.empty()) return error.what();
  return "neither a subcommand nor an option: " + unknown.front();
}

ExitStatus Refuse(const CLI::App& app, const CLI::ParseError& error, bool json) {
  if (error.get_exit_code() == 0) {  // --help or --version
    app.exit(error);
    return ExitStatus::kDone;
  }
  Console(json).Fail({.code = wgnet::ErrorCode::kInvalidArgument,
                      .message = MessageOf(app, error),
                      .hint = "see wgnet --help"});
  return ExitStatus::kUsage;
}

// Such a key is a public one.
bool IsRevoked(std::string_view word, const Arguments& arguments) {
  constexpr std::string_view kOption = "--revoke=";
  if (word.starts_with(kOption)) word.remove_prefix(kOption.size());
  return std::find(arguments.revoke.begin(), arguments.revoke.end(), word) !=
         arguments.revoke.end();
}

ExitStatus CallAsWgnet(int argc, char** argv) {
  char** const end = argv + argc;
  const bool json = std::find(argv, end, std::string_view("--json")) != end;
  Arguments arguments;
  CLI::App app("Brings WireGuard, routes, rules and nftables to a wanted state, or back.",
               kProgram);
  app.fallthrough();
  app.require_subcommand(1);
  AddGlobalOptions(app, arguments);
  for (const Command& command : Commands()) {
    CLI::App& subcommand = *app.add_subcommand(command.name, command.description);
    command.add_options(subcommand, arguments);
  }
  const auto refuses_key = [&] {
    if (app.got_subcommand("set")) return false;  // its keys are public
    char** const key = std::find_if(argv, end, [&](std::string_view word) {
      return HoldsKey(word) && !IsRevoked(word, arguments);
    });
    if (key == end) return false;
    Console(json).Fail(KeyOnCommandLine(key - argv));
    return true;
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return refuses_key() ? ExitStatus::kUsage : Refuse(app, error, json);
  }
  if (refuses_key()) return ExitStatus::kUsage;
  const auto commands = Commands();
  const auto command = std::find_if(commands.begin(), commands.end(), [&](const Command& each) {
    return app.got_subcommand(each.name);
  });
  return Run(*command, arguments, kProgram, Console(arguments.json));
}

int Main(int argc, char** argv) {
  const std::string program = argc > 0 ? argv[0] : "";
  const std::string name = program.substr(program.rfind('/') + 1);
  if (name == "wg") return CallAsWg(program, std::vector<std::string>(argv + 1, argv + argc));
  if (name == "wg-quick") {
    return CallAsQuick(program, std::vector<std::string>(argv + 1, argv + argc));
  }
  return static_cast<int>(CallAsWgnet(argc, argv));
}

// What is printed must not end up in a socket that got the number of a closed stream: using one
// fails.
bool OccupyClosedStreams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    const int wrong_way = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", wrong_way) != fd) return false;
  }
  return true;
}

}  // namespace
}  // namespace cli

int main(int argc, char** argv) {
  prctl(PR_SET_DUMPABLE, 0);  // no core file, and no debugger of the same user, gets the keys
  if (!cli::OccupyClosedStreams()) return static_cast<int>(cli::ExitStatus::kFailed);
  try {
    return cli::Main(argc, argv);
  } catch (const std::bad_alloc&) {
    cli::Console(false).Fail({.code = wgnet::ErrorCode::kNoMemory, .message = "out of memory"});
    return static_cast<int>(cli::ExitStatus::kFailed);
  }
}
