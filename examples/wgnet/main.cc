// SPDX-License-Identifier: MIT OR Apache-2.0
// wgnet(8): options, and the table of subcommands.
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <new>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "command.h"
#include "input.h"
#include "show.h"
#include "wgnet/key.h"
#include "wgnet/version.h"

namespace cli {

wgnet::Result<wgnet::Session> OpenSession(const Arguments& arguments, std::string_view owner) {
  wgnet::SessionOptions options = arguments.session;
  options.owner = owner;
  return wgnet::Session::Open(std::move(options));
}

Outcome DoneIf(const wgnet::Status& printed) {
  if (!printed) return printed.error();
  return ExitStatus::kDone;
}

namespace {

// ---- options ----

std::string CheckInput(const std::string& text) {
  const auto source = FindSource(text);
  return source ? "" : source.error().message;
}

void AddOwner(CLI::App& app, Arguments& arguments, const std::string& preset) {
  app.add_option("--owner", arguments.owner, "Whose it is (" + preset + ")")->type_name("OWNER");
}

void SetSkips(const std::string& words, Arguments& arguments) {
  std::istringstream in(words);
  for (std::string word; std::getline(in, word, ',');) {
    if (word != "dns" && word != "hooks") {
      throw CLI::ValidationError("--skip", "it takes dns, hooks, or both as dns,hooks");
    }
    (word == "dns" ? arguments.skip_dns : arguments.skip_hooks) = true;
  }
}

void AddSkip(CLI::App& app, Arguments& arguments) {
  app.add_option_function<std::string>(
         "--skip", [&arguments](const std::string& words) { SetSkips(words, arguments); },
         "Leave out DNS lines, or hooks and SaveConfig, with a warning each")
      ->type_name("dns,hooks");
}

void AddInput(CLI::App& app, Arguments& arguments) {
  app.add_option("input", arguments.input,
                 "A wg-quick file, where NAME alone is /etc/wireguard/NAME.conf and another is\n"
                 "dir/NAME.conf; or a wgnet/1 document; - is standard input")
      ->type_name("FILE|NAME|-")
      ->required()
      ->check(CheckInput);
  app.add_option("--interface", arguments.interface,
                 "The interface of a wg-quick file that is not called NAME.conf")
      ->type_name("NAME");
  AddOwner(app, arguments, "wg-quick:NAME, or default for a document");
  AddSkip(app, arguments);
}

void AddPlanOptions(CLI::App& app, Arguments& arguments) {
  AddInput(app, arguments);
  app.add_flag("--exit-code", arguments.exit_code, "Exit with 4 when there is something to do");
  app.add_option("--script", arguments.script,
                 "Write the commands as DIR/apply.sh, with the keys beside it")
      ->type_name("DIR");
}

void AddQuickFile(CLI::App& app, Arguments& arguments) {
  app.add_option("input", arguments.input, "What was given to up")
      ->type_name("FILE|NAME")
      ->required()
      ->check([](const std::string& text) {
        const auto location = wgnet::ConfFile::Locate(text);
        return location ? "" : location.error().message;
      });
}

void AddDownOptions(CLI::App& app, Arguments& arguments) {
  AddQuickFile(app, arguments);
  AddOwner(app, arguments, "wg-quick:NAME");
  AddSkip(app, arguments);
}

void AddDeleteOptions(CLI::App& app, Arguments& arguments) {
  app.add_option("owner", arguments.owner, "One that status lists")->type_name("OWNER")->required();
}

void AddShowOptions(CLI::App& app, Arguments& arguments) {
  app.add_option("target", arguments.target, "An interface, all (default), or interfaces")
      ->type_name("IF|all|interfaces");
  app.add_option("field", arguments.field, "One field, for scripts")
      ->check(CLI::IsMember(ShowFields()));
  app.final_callback([&arguments] {
    if (arguments.field.empty()) return;
    if (arguments.target == "interfaces") {
      throw CLI::ValidationError("field", "interfaces takes no field");
    }
    if (arguments.json) throw CLI::ValidationError("field", "--json prints all fields");
  });
}

void AddNothing(CLI::App&, Arguments&) {}

// ---- subcommands ----

struct Command {
  const char* name;
  const char* description;
  void (*add_options)(CLI::App&, Arguments&);
  Outcome (*run)(const Arguments&, const Console&);
};

constexpr Command kCommands[] = {
    {"plan", "Print the commands that would bring the kernel to what FILE says", AddPlanOptions,
     Plan},
    {"apply", "Bring the kernel to what FILE says: all of it, or none of it", AddInput, Apply},
    {"delete", "Take away all that OWNER has", AddDeleteOptions, Delete},
    {"up", "As wg-quick(8); on an interface that is up, apply the difference", AddInput, Up},
    {"down", "As wg-quick(8)", AddDownOptions, Down},
    {"save", "As wg-quick(8), but the file is edited: comments, order and host names stay",
     AddQuickFile, Save},
    {"strip", "As wg-quick(8)", AddQuickFile, Strip},
    {"status", "Print each owner and what it has", AddNothing, Status},
    {"show", "As wg(8)", AddShowOptions, Show},
    {"genkey", "Print a new private key", AddNothing, GenKey},
    {"genpsk", "Print a new preshared key", AddNothing, GenPsk},
    {"pubkey", "Read a private key from standard input, and print its public key", AddNothing,
     PubKey},
};

void AddGlobalOptions(CLI::App& app, Arguments& arguments) {
  app.add_flag("--json", arguments.json, "Print results and errors as wgnet/1 documents");
  app.add_option("--netns", arguments.session.netns,
                 "Work in this network namespace: a name of ip-netns(8), or a path")
      ->type_name("NAME");
  app.add_option("--state-dir", arguments.session.state_dir, "Where it is written what is whose")
      ->type_name("DIR")
      ->capture_default_str();
  app.set_version_flag("--version", std::string("wgnet ") + wgnet::Version() +
                                        " (nftables: " + wgnet::NftBackend() + ")");
  app.footer(
      "Exit status: 0 done; 1 failed and rolled back, or nothing done; 2 the command line is\n"
      "wrong; 3 failed, and the rollback is incomplete; 4 plan --exit-code: something to do.");
}

// ---- running ----

ExitStatus StatusOf(const wgnet::Error& error) {
  const bool incomplete = error.code == wgnet::ErrorCode::kRollbackIncomplete ||
                          (error.rollback && !error.rollback->complete());
  return incomplete ? ExitStatus::kRollbackIncomplete : ExitStatus::kFailed;
}

ExitStatus Run(const Command& command, const Arguments& arguments) {
  const Console console(arguments.json);
  const Outcome outcome = command.run(arguments, console);
  if (outcome) return *outcome;
  console.Fail(outcome.error());
  return StatusOf(outcome.error());
}

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

bool HoldsKey(std::string_view text) {
  constexpr size_t kKeySize = 44;  // with the one `=` at its end
  for (size_t end = text.find('='); end != text.npos; end = text.find('=', end + 1)) {
    const size_t size = end + 1;
    if (size >= kKeySize && wgnet::SecretKey::Parse(text.substr(size - kKeySize, kKeySize))) {
      return true;
    }
  }
  return false;
}

// No subcommand takes a key there, and messages would repeat it.
ExitStatus RefuseKey(ptrdiff_t argument, bool json) {
  Console(json).Fail({.code = wgnet::ErrorCode::kInvalidArgument,
                      .message = "a key stands on the command line, where others see it",
                      .where = "argument " + std::to_string(argument),
                      .hint = "make a new one; keys belong in files and standard input"});
  return ExitStatus::kUsage;
}

ExitStatus Main(int argc, char** argv) {
  char** const end = argv + argc;
  const bool json = std::find(argv, end, std::string_view("--json")) != end;
  const auto key = std::find_if(argv, end, HoldsKey);
  if (key != end) return RefuseKey(key - argv, json);
  Arguments arguments;
  CLI::App app("Brings WireGuard, routes, rules and nftables to a wanted state, or back.", "wgnet");
  app.fallthrough();
  app.require_subcommand(1);
  AddGlobalOptions(app, arguments);
  for (const Command& command : kCommands) {
    command.add_options(*app.add_subcommand(command.name, command.description), arguments);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return Refuse(app, error, json);
  }
  const auto* command =
      std::find_if(std::begin(kCommands), std::end(kCommands),
                   [&](const auto& each) { return app.got_subcommand(each.name); });
  return Run(*command, arguments);
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
    return static_cast<int>(cli::Main(argc, argv));
  } catch (const std::bad_alloc&) {
    cli::Console(false).Fail({.code = wgnet::ErrorCode::kNoMemory, .message = "out of memory"});
    return static_cast<int>(cli::ExitStatus::kFailed);
  }
}
