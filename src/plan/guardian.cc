// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/guardian.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstring>
#include <vector>

#include "src/base/text.h"

namespace wgnet::plan {
namespace {

std::vector<std::string> CommandOf(const Guardian& guardian) {
  std::vector<std::string> command = {guardian.program, "--state-dir", guardian.state_dir};
  if (!guardian.netns.empty()) command.insert(command.end(), {"--netns", guardian.netns});
  command.insert(command.end(), {"guard", "--background"});
  return command;
}

// As sd_booted(3).
bool IsSystemdUp() {
  struct stat info;
  return lstat("/run/systemd/system", &info) == 0 && S_ISDIR(info.st_mode);
}

std::vector<std::string> AsUnit(const std::vector<std::string>& command, GuardianUnit kind) {
  std::vector<std::string> unit = {
      "systemd-run",
      "--quiet",
      "--collect",
      "--no-ask-password",
      "--description=Guards a change of wgnet",
      kind == GuardianUnit::kService ? "--service-type=forking" : "--scope"};
  unit.insert(unit.end(), command.begin(), command.end());
  return unit;
}

std::string ReasonOf(int status) {
  if (status < 0) return std::strerror(-status);
  return fmt::format("it ended with status {}", status);
}

}  // namespace

Status Start(const Guardian& guardian, netlink::Transport& transport) {
  const auto command = CommandOf(guardian);
  if (guardian.unit != GuardianUnit::kNone && IsSystemdUp()) {
    const auto unit = AsUnit(command, guardian.unit);
    if (transport.Run({.arguments = unit, .environment = {}, .silent = true}) == 0) return {};
  }
  const int status = transport.Run({.arguments = command, .environment = {}});
  if (status == 0) return {};
  return Error{.code = ErrorCode::kNotSupported,
               .message = fmt::format("nothing would take the change back: {} cannot be run: {}",
                                      QuoteForMessage(guardian.program), ReasonOf(status)),
               .where = "guardian",
               .hint = "name the path of wgnet, or none and call Session::Guard elsewhere"};
}

}  // namespace wgnet::plan
