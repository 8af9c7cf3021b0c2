// SPDX-License-Identifier: MIT OR Apache-2.0
// What the command says: results on standard output, all else on standard error.
#ifndef WGNET_EXAMPLES_WGNET_CONSOLE_H_
#define WGNET_EXAMPLES_WGNET_CONSOLE_H_

#include <string_view>

#include "wgnet/error.h"
#include "wgnet/recovery.h"

namespace cli {

class Console {
 public:
  /// Messages begin with `program`.
  explicit Console(bool json, std::string_view program = "wgnet")
      : json_(json), program_(program) {}

  /// Whether results and errors are documents of schema "wgnet/1". Warnings stay lines of text.
  bool json() const { return json_; }

  /// A result. kIo when it cannot be written.
  wgnet::Status Print(std::string_view text) const;
  void Warn(std::string_view warning) const;
  /// What opening a session brought to an end.
  void WarnOf(const wgnet::RecoveryReport& recovered) const;
  /// A step, as wg-quick(8) prints it.
  void Step(std::string_view command) const;
  void Fail(const wgnet::Error& error) const;
  /// How a command is called, where it was called wrongly.
  void Usage(std::string_view usage) const;

 private:
  bool json_;
  std::string_view program_;
};

}  // namespace cli

#endif  // WGNET_EXAMPLES_WGNET_CONSOLE_H_
