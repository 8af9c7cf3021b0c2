// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wg_call.h"

#include <algorithm>
#include <string_view>

#include "command_table.h"
#include "key_text.h"

namespace cli {
namespace {

std::string Overview(const std::string& program) {
  std::string text = "Usage: " + program + " [COMMAND [WORD...]]\n\n";
  for (const Command& command : Commands()) {
    if (command.read_words == nullptr) continue;
    text += "  " + std::string(command.name) + ": " + command.description + "\n";
  }
  return text + "\nWithout a command, it is `show`.\n";
}

int StatusIf(const wgnet::Status& printed) { return printed ? 0 : 1; }

bool IsHelp(const std::string& word) { return word == "help" || word == "--help" || word == "-h"; }

bool IsVersion(const std::string& word) {
  return word == "version" || word == "--version" || word == "-v";
}

}  // namespace

int CallAsWg(const std::string& program, std::vector<std::string> words) {
  const Console console(false, "wg");
  if (words.empty()) words = {"show"};
  if (words.size() == 1 && IsHelp(words[0])) {
    return StatusIf(console.Print(Overview(program)));
  }
  if (words.size() == 1 && IsVersion(words[0])) {
    return StatusIf(console.Print(VersionText() + "\n"));
  }
  const auto commands = Commands();
  const auto command = std::find_if(commands.begin(), commands.end(), [&](const Command& each) {
    return each.read_words != nullptr && each.name == words[0];
  });
  if (command == commands.end()) {
    console.Usage(Overview(program));
    return 1;
  }
  const auto key = std::find_if(words.begin(), words.end(), HoldsKey);
  if (key != words.end() && words[0] != "set") {  // whose keys are public
    console.Fail(KeyOnCommandLine(key - words.begin() + 1));
    return 1;
  }
  Arguments arguments;
  arguments.words.assign(words.begin() + 1, words.end());
  if (words.size() == 2 && words[0] == "show" && IsHelp(words[1])) {
    console.Usage(UsageOf(*command, program));
    return 0;
  }
  return Run(*command, arguments, program, console) == ExitStatus::kDone ? 0 : 1;
}

}  // namespace cli
