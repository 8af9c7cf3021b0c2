// SPDX-License-Identifier: MIT OR Apache-2.0
#include "console.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace cli {
namespace {

// Straight to the descriptor: no buffer keeps what may be a key. Returns an errno.
int WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = write(fd, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno;
    text.remove_prefix(static_cast<size_t>(size));
  }
  return 0;
}

// Nobody is left to be told when this fails.
void WriteLine(std::string line) { WriteAll(STDERR_FILENO, line += '\n'); }

}  // namespace

wgnet::Status Console::Print(std::string_view text) const {
  const int error = WriteAll(STDOUT_FILENO, text);
  if (error == 0) return {};
  return wgnet::Error{.code = wgnet::ErrorCode::kIo,
                      .message = std::string("cannot write the output: ") + strerror(error),
                      .error_number = error};
}

void Console::Warn(std::string_view warning) const {
  WriteLine(std::string(program_) + ": warning: " + std::string(warning));
}

void Console::WarnOf(const wgnet::RecoveryReport& recovered) const {
  for (const auto& each : recovered.cut_off) Warn(each.ToString());
  for (const std::string& warning : recovered.warnings) Warn(warning);
}

void Console::Step(std::string_view command) const { WriteLine("[#] " + std::string(command)); }

void Console::Fail(const wgnet::Error& error) const {
  WriteLine(json_ ? error.ToJson() : std::string(program_) + ": " + error.ToString());
}

void Console::Usage(std::string_view usage) const { WriteLine(std::string(usage)); }

}  // namespace cli
