// SPDX-License-Identifier: MIT OR Apache-2.0
// The subcommands, and what they are given.
#ifndef WGNET_EXAMPLES_WGNET_COMMAND_H_
#define WGNET_EXAMPLES_WGNET_COMMAND_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "console.h"
#include "wgnet/conf.h"
#include "wgnet/error.h"
#include "wgnet/session.h"

namespace cli {

enum class ExitStatus {
  kDone = 0,
  kFailed = 1,  ///< and rolled back, or nothing was done
  kUsage = 2,
  kRollbackIncomplete = 3,
  kPending = 4,  ///< `plan --exit-code`: there is something to do
};

/// The command line.
struct Arguments {
  bool json = false;
  wgnet::SessionOptions session;  ///< netns and state_dir; the owner is each command's business

  std::string input;      ///< FILE, NAME or "-"
  std::string interface;  ///< for a wg-quick file whose name is not INTERFACE.conf
  std::string owner;      ///< empty: by the input
  bool skip_dns = false;
  bool skip_hooks = false;
  bool adopt = false;
  bool exit_code = false;
  bool dry_run = false;
  std::string script;                       ///< a directory
  std::optional<uint32_t> resolve_timeout;  ///< seconds
  uint32_t older_than = 135;                ///< seconds
  std::string repair;                       ///< an input
  uint32_t peer_timeout = 180;              ///< seconds
  uint32_t poll_interval = 5;               ///< seconds

  std::optional<uint32_t> confirm;  ///< seconds
  std::vector<std::string> revoke;  ///< public keys
  bool confirm_on_handshake = false;
  std::string token;
  bool background = false;

  std::string target = "all";  ///< an interface, "all" or "interfaces"
  std::string field;

  /// What stands behind the subcommand, where it has wg(8)'s own grammar.
  std::vector<std::string> words;
};

/// What is printed when it fails, and then the exit status is kFailed or kRollbackIncomplete.
using Outcome = wgnet::Result<ExitStatus>;

Outcome Plan(const Arguments& arguments, const Console& console);
Outcome Apply(const Arguments& arguments, const Console& console);
Outcome Delete(const Arguments& arguments, const Console& console);
Outcome Confirm(const Arguments& arguments, const Console& console);
Outcome Rollback(const Arguments& arguments, const Console& console);
Outcome Extend(const Arguments& arguments, const Console& console);
Outcome Guard(const Arguments& arguments, const Console& console);
Outcome Recover(const Arguments& arguments, const Console& console);
Outcome Gc(const Arguments& arguments, const Console& console);
Outcome Up(const Arguments& arguments, const Console& console);
Outcome Down(const Arguments& arguments, const Console& console);
Outcome Resolve(const Arguments& arguments, const Console& console);
Outcome Watch(const Arguments& arguments, const Console& console);
Outcome Save(const Arguments& arguments, const Console& console);
Outcome Strip(const Arguments& arguments, const Console& console);

Outcome Show(const Arguments& arguments, const Console& console);
Outcome Status(const Arguments& arguments, const Console& console);

/// These take `words`, and exit as wg(8) does.
Outcome Set(const Arguments& arguments, const Console& console);
Outcome SetConf(const Arguments& arguments, const Console& console);
Outcome AddConf(const Arguments& arguments, const Console& console);
Outcome SyncConf(const Arguments& arguments, const Console& console);
Outcome ShowConf(const Arguments& arguments, const Console& console);

Outcome GenKey(const Arguments& arguments, const Console& console);
Outcome GenPsk(const Arguments& arguments, const Console& console);
Outcome PubKey(const Arguments& arguments, const Console& console);

/// The session of a command, for one owner; null: hooks are run by the library's own runner.
wgnet::Result<wgnet::Session> OpenSession(const Arguments& arguments, std::string_view owner,
                                          std::shared_ptr<wgnet::ProcessRunner> runner = nullptr);

/// The same for a command that looks names up: WG_ENDPOINT_RESOLUTION_RETRIES counts.
wgnet::Result<wgnet::Session> OpenResolvingSession(
    const Arguments& arguments, std::string_view owner,
    std::shared_ptr<wgnet::ProcessRunner> runner = nullptr);
/// The same for those of wg(8), which look names up for as long as that takes.
wgnet::Result<wgnet::Session> OpenSessionOfWg(const Arguments& arguments);

/// Plans, tells each step and takes it; a plan that the kernel has left behind is made anew.
Outcome BringTo(const wgnet::Reresolve& reresolve, wgnet::Session& session, const Console& console);

/// How a change is to be confirmed, if it is.
wgnet::Result<std::optional<wgnet::ConfirmOptions>> ConfirmOptionsOf(const Arguments& arguments);
/// Tells how a change is confirmed; or waits until a handshake has confirmed it.
Outcome AwaitConfirmation(const wgnet::PendingChange& change, const Arguments& arguments,
                          wgnet::Session& session, const Console& console);

/// The WireGuard interface of that name; kNotFound if there is none.
wgnet::Result<wgnet::DeviceStatus> ReadDevice(const std::string& name, const Arguments& arguments);

/// Writes what the interface has into its file.
wgnet::Status SaveState(const wgnet::ConfFile& file, const wgnet::ConfFile::Location& location,
                        const Arguments& arguments);

/// kDone, if `printed`.
Outcome DoneIf(const wgnet::Status& printed);
/// The same; kRollbackIncomplete, if not all came back.
Outcome Concluded(const wgnet::RecoveryReport& report, const wgnet::Status& printed);

}  // namespace cli

#endif  // WGNET_EXAMPLES_WGNET_COMMAND_H_
