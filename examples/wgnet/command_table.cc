// SPDX-License-Identifier: MIT OR Apache-2.0
#include "command_table.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "show.h"

namespace cli {
namespace {

// ---- wg(8)'s grammar ----

bool ReadShow(Arguments& arguments) {
  const auto& words = arguments.words;
  if (words.size() > 2) return false;
  if (!words.empty()) arguments.target = words[0];
  if (words.size() < 2) return true;
  arguments.field = words[1];
  const auto fields = ShowFields();
  return words[0] != "interfaces" &&
         std::find(fields.begin(), fields.end(), words[1]) != fields.end();
}

bool ReadSet(Arguments& arguments) { return arguments.words.size() > 1; }

template <size_t count>
bool ReadExactly(Arguments& arguments) {
  return arguments.words.size() == count;
}

// ---- the table ----

constexpr char kSetUsage[] =
    "INTERFACE [listen-port PORT] [fwmark MARK] [private-key FILE] [peer KEY [remove] "
    "[preshared-key FILE] [endpoint HOST:PORT] [persistent-keepalive SECONDS] "
    "[allowed-ips [+|-]PREFIX[,[+|-]PREFIX]...]]...";
constexpr char kShowUsage[] = "[INTERFACE | all [FIELD]] | interfaces";
constexpr char kFileUsage[] = "INTERFACE FILE";

constexpr Command kCommands[] = {
    {"plan", "Print the commands that would bring the kernel to what FILE says", AddPlanOptions,
     Plan},
    {"apply", "Bring the kernel to what FILE says: all of it, or none of it", AddApplyOptions,
     Apply},
    {"confirm", "Keep what apply --confirm did", AddToken, Confirm},
    {"rollback", "Take what apply --confirm did back at once", AddToken, Rollback},
    {"extend", "Give more time to confirm", AddExtendOptions, Extend},
    {"guard", "Wait until a change is confirmed, and take it back at the end of its time",
     AddGuardOptions, Guard},
    {"delete", "Take away all that OWNER has", AddDeleteOptions, Delete},
    {"recover", "Take back what a killed process began; remove what is left of lost interfaces",
     AddNothing, Recover},
    {"gc", "Remove what bears wgnet's marks, and is on no record in DIR", AddGcOptions, Gc},
    {"up", "As wg-quick(8); on an interface that is up, apply the difference", AddChangeOptions,
     Up},
    {"down", "As wg-quick(8)", AddDownOptions, Down},
    {"resolve", "Look up again the endpoint names in FILE of peers that are silent; for a timer",
     AddResolveOptions, Resolve},
    {"watch", "Tell of changes by others to what an owner has, until it is ended; or repair them",
     AddWatchOptions, Watch},
    {"save", "As wg-quick(8), but the file is edited: comments, order and host names stay",
     AddQuickFile, Save},
    {"strip", "As wg-quick(8)", AddQuickFile, Strip},
    {"status", "Print each owner and what it has", AddNothing, Status},
    {"show", "Print interfaces and their peers, as wg(8)", AddShowOptions, Show, ReadShow,
     kShowUsage},
    {"showconf", "Print an interface as a file for setconf, as wg(8)", AddWords, ShowConf,
     ReadExactly<1>, "INTERFACE"},
    {"set", "Change an interface and its peers, as wg(8)", AddWords, Set, ReadSet, kSetUsage},
    {"setconf", "Bring an interface to what FILE says, as wg(8)", AddWords, SetConf, ReadExactly<2>,
     kFileUsage},
    {"addconf", "Add what FILE says to an interface, as wg(8)", AddWords, AddConf, ReadExactly<2>,
     kFileUsage},
    {"syncconf", "As setconf, with the least change to sessions, as wg(8)", AddWords, SyncConf,
     ReadExactly<2>, kFileUsage},
    {"genkey", "Print a new private key", AddNothing, GenKey, ReadExactly<0>},
    {"genpsk", "Print a new preshared key", AddNothing, GenPsk, ReadExactly<0>},
    {"pubkey", "Read a private key from standard input, and print its public key", AddNothing,
     PubKey, ReadExactly<0>},
};

// ---- running ----

ExitStatus StatusOf(const wgnet::Error& error) {
  const bool incomplete = error.code == wgnet::ErrorCode::kRollbackIncomplete ||
                          (error.rollback && !error.rollback->complete());
  return incomplete ? ExitStatus::kRollbackIncomplete : ExitStatus::kFailed;
}

// The same program guards what it does.
std::string OwnPath() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "wgnet" : path.string();
}

}  // namespace

std::span<const Command> Commands() { return kCommands; }

std::string UsageOf(const Command& command, const std::string& program) {
  const std::string usage = command.usage;
  return "Usage: " + program + " " + command.name + (usage.empty() ? "" : " " + usage);
}

ExitStatus Run(const Command& command, Arguments& arguments, const std::string& program,
               const Console& console) {
  if (command.read_words != nullptr && !command.read_words(arguments)) {
    console.Usage(UsageOf(command, program));
    return ExitStatus::kFailed;
  }
  const Outcome outcome = command.run(arguments, console);
  if (outcome) return *outcome;
  console.Fail(outcome.error());
  return StatusOf(outcome.error());
}

wgnet::Result<wgnet::Session> OpenSession(const Arguments& arguments, std::string_view owner,
                                          std::shared_ptr<wgnet::ProcessRunner> runner) {
  wgnet::SessionOptions options = arguments.session;
  options.owner = owner;
  options.process_runner = std::move(runner);
  options.guardian = OwnPath();
  // As of wg-quick(8).
  const char* program = std::getenv("WG_QUICK_USERSPACE_IMPLEMENTATION");
  if (program != nullptr && *program != '\0') options.userspace_implementation = program;
  return wgnet::Session::Open(std::move(options));
}

Outcome DoneIf(const wgnet::Status& printed) {
  if (!printed) return printed.error();
  return ExitStatus::kDone;
}

Outcome Concluded(const wgnet::RecoveryReport& report, const wgnet::Status& printed) {
  const bool complete = std::all_of(report.cut_off.begin(), report.cut_off.end(),
                                    [](const auto& each) { return each.rollback.complete(); });
  return printed && !complete ? ExitStatus::kRollbackIncomplete : DoneIf(printed);
}

}  // namespace cli
