// SPDX-License-Identifier: MIT OR Apache-2.0
#include "options.h"

#include <map>
#include <sstream>

#include "input.h"
#include "show.h"
#include "wgnet/version.h"

namespace cli {
namespace {

constexpr uint32_t kLongestConfirm = 7 * 24 * 3600;
const CLI::Range kConfirmTime(uint32_t{1}, kLongestConfirm);

std::string CheckInput(const std::string& text) {
  const auto source = FindSource(text);
  return source ? "" : source.error().message;
}

void AddOwner(CLI::App& app, Arguments& arguments, const std::string& preset) {
  app.add_option("--owner", arguments.owner, "Whose it is (" + preset + ")")->type_name("OWNER");
}

void AddFileInterface(CLI::App& app, Arguments& arguments) {
  app.add_option("--interface", arguments.interface,
                 "The interface of a wg-quick file that is not called NAME.conf")
      ->type_name("NAME");
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

void AddResolveTimeout(CLI::App& app, Arguments& arguments) {
  app.add_option("--resolve-timeout", arguments.resolve_timeout,
                 "How long to look up names of endpoints, all together (20, or without end\n"
                 "where WG_ENDPOINT_RESOLUTION_RETRIES is infinity)")
      ->type_name("SECONDS");
}

void AddSessionOptions(CLI::App& app, Arguments& arguments) {
  app.add_option("--netns", arguments.session.netns,
                 "Work in this network namespace: a name of ip-netns(8), or a path")
      ->type_name("NAME");
  app.add_option("--state-dir", arguments.session.state_dir, "Where it is written what is whose")
      ->type_name("DIR")
      ->capture_default_str();
}

}  // namespace

std::string VersionText() {
  return std::string("wgnet ") + wgnet::Version() + " (nftables: " + wgnet::NftBackend() + ")";
}

void AddGlobalOptions(CLI::App& app, Arguments& arguments) {
  app.add_flag("--json", arguments.json, "Print results and errors as wgnet/1 documents");
  AddSessionOptions(app, arguments);
  app.set_version_flag("--version", VersionText());
  app.footer(
      "Exit status: 0 done; 1 failed and rolled back, or nothing done; 2 the command line is\n"
      "wrong; 3 failed, and the rollback is incomplete; 4 plan --exit-code: something to do.");
}

void AddChangeOptions(CLI::App& app, Arguments& arguments) {
  AddInput(app, arguments);
  AddSkip(app, arguments);
  AddResolveTimeout(app, arguments);
  arguments.session.unresolved_endpoint = wgnet::UnresolvedEndpoint::kLater;
  const std::map<std::string, wgnet::UnresolvedEndpoint> kPolicies = {
      {"error", wgnet::UnresolvedEndpoint::kError}, {"later", wgnet::UnresolvedEndpoint::kLater}};
  app.add_option("--unresolved", arguments.session.unresolved_endpoint,
                 "An endpoint's name that does not resolve: an error, or the peer gets its\n"
                 "endpoint later, with a warning (later)")
      ->type_name("error|later")
      ->transform(CLI::CheckedTransformer(kPolicies).description(""));
}

void AddApplyOptions(CLI::App& app, Arguments& arguments) {
  AddChangeOptions(app, arguments);
  auto* const confirm =
      app.add_option("--confirm", arguments.confirm,
                     "Take it back after so long, unless `wgnet confirm` is called; what ends\n"
                     "sessions waits until then")
          ->type_name("SECONDS")
          ->check(kConfirmTime);
  app.add_flag_callback(
      "--forward",
      [&arguments] { arguments.session.recovery = wgnet::RecoveryDirection::kForward; },
      "If wgnet is killed in the middle, carry on when it is run next, and do not go back");
  app.add_option("--revoke", arguments.revoke, "A peer that goes at once, if it goes")
      ->type_name("PUBLIC-KEY")
      ->allow_extra_args(false)
      ->needs(confirm);
  app.add_flag("--confirm-on-handshake", arguments.confirm_on_handshake,
               "Wait for the first handshake of a peer, and confirm it then")
      ->needs(confirm);
}

void AddToken(CLI::App& app, Arguments& arguments) {
  app.add_option("token", arguments.token, "What apply --confirm has printed")
      ->type_name("TOKEN")
      ->required();
}

void AddExtendOptions(CLI::App& app, Arguments& arguments) {
  AddToken(app, arguments);
  app.add_option("seconds", arguments.confirm, "From now on")
      ->type_name("SECONDS")
      ->required()
      ->check(kConfirmTime);
}

void AddGuardOptions(CLI::App& app, Arguments& arguments) {
  app.add_flag("--background", arguments.background,
               "Return once it is guarded, by a process in a session of its own");
}

void AddResolveOptions(CLI::App& app, Arguments& arguments) {
  AddInput(app, arguments);
  AddResolveTimeout(app, arguments);
  app.add_option("--older-than", arguments.older_than,
                 "The age of the last handshake from which on a peer is silent")
      ->type_name("SECONDS")
      ->capture_default_str();
}

void AddWatchOptions(CLI::App& app, Arguments& arguments) {
  app.add_option("--repair", arguments.repair,
                 "Bring the kernel to what this file says, now and after each change")
      ->type_name("FILE|NAME|-")
      ->check(CheckInput);
  AddFileInterface(app, arguments);
  AddOwner(app, arguments, "by the file, or default");
  AddSkip(app, arguments);
  AddResolveTimeout(app, arguments);
  app.add_option("--peer-timeout", arguments.peer_timeout,
                 "The age of the last handshake from which on a peer is down")
      ->type_name("SECONDS")
      ->capture_default_str();
  app.add_option("--poll", arguments.poll_interval,
                 "How often peers and settings, which tell nothing, are read")
      ->type_name("SECONDS")
      ->capture_default_str();
}

void AddInput(CLI::App& app, Arguments& arguments) {
  app.add_option("input", arguments.input,
                 "A wg-quick file, where NAME alone is /etc/wireguard/NAME.conf and another is\n"
                 "dir/NAME.conf; or a wgnet/1 document; - is standard input")
      ->type_name("FILE|NAME|-")
      ->required()
      ->check(CheckInput);
  AddFileInterface(app, arguments);
  AddOwner(app, arguments, "wg-quick:NAME, or default for a document");
  app.add_flag("--adopt", arguments.adopt,
               "Take over interfaces that are up and nobody's, as those of wg-quick(8); up always "
               "does");
  app.add_flag("--adopt-identical", arguments.session.adopt_identical,
               "Take over addresses, routes and rules that are nobody's and as they should be");
}

void AddPlanOptions(CLI::App& app, Arguments& arguments) {
  AddChangeOptions(app, arguments);
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

void AddGcOptions(CLI::App& app, Arguments& arguments) {
  app.add_flag("--dry-run", arguments.dry_run, "Only print the commands that would remove it");
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

void AddWords(CLI::App& app, Arguments& arguments) {
  app.fallthrough(false);
  app.prefix_command();
  AddSessionOptions(app, arguments);
  app.final_callback([&app, &arguments] { arguments.words = app.remaining(); });
}

}  // namespace cli
