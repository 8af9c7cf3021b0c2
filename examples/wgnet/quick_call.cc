// SPDX-License-Identifier: MIT OR Apache-2.0
#include "quick_call.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "command_table.h"
#include "key_text.h"

namespace cli {
namespace {

constexpr std::string_view kCommands[] = {"up", "down", "save", "strip"};

std::string Overview(const std::string& program) {
  return "Usage: " + program +
         " up|down|save|strip FILE|INTERFACE\n\n"
         "  FILE is a path whose last part is INTERFACE.conf; for INTERFACE alone it is\n"
         "  /etc/wireguard/INTERFACE.conf. Besides what is for wg(8), its [Interface] takes\n"
         "  Address, DNS, MTU, Table, PreUp, PostUp, PreDown, PostDown and SaveConfig.\n\n"
         "  up: bring INTERFACE to what the file says; if it is up, apply the difference\n"
         "  down: take away all that up has made\n"
         "  save: write what INTERFACE has into the file\n"
         "  strip: print what the file has for wg(8)";
}

bool IsHelp(const std::string& word) { return word == "help" || word == "--help" || word == "-h"; }

const Command* FindCommand(std::string_view name) {
  if (std::find(std::begin(kCommands), std::end(kCommands), name) == std::end(kCommands)) {
    return nullptr;
  }
  const auto commands = Commands();
  return &*std::find_if(commands.begin(), commands.end(),
                        [&](const Command& each) { return each.name == name; });
}

// The real one calls itself again by sudo(8).
wgnet::Error NotRoot() {
  return {.code = wgnet::ErrorCode::kPermission,
          .message = "this has to be done as root",
          .hint = "try again with sudo"};
}

int Fail(const wgnet::Error& error, const Console& console) {
  console.Fail(error);
  return 1;
}

}  // namespace

int CallAsQuick(const std::string& program, const std::vector<std::string>& words) {
  const Console console(false, "wg-quick");
  if (words.size() == 1 && IsHelp(words[0])) {
    console.Usage(Overview(program));
    return 0;
  }
  const Command* command = words.size() == 2 ? FindCommand(words[0]) : nullptr;
  if (command == nullptr) {
    console.Usage(Overview(program));
    return 1;
  }
  if (HoldsKey(words[1])) return Fail(KeyOnCommandLine(2), console);
  if (geteuid() != 0) return Fail(NotRoot(), console);
  const auto location = wgnet::ConfFile::Locate(words[1]);
  if (!location) return Fail(location.error(), console);
  Arguments arguments;
  arguments.input = words[1];
  arguments.session.unresolved_endpoint = wgnet::UnresolvedEndpoint::kLater;
  return Run(*command, arguments, program, console) == ExitStatus::kDone ? 0 : 1;
}

}  // namespace cli
