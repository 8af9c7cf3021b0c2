// SPDX-License-Identifier: MIT OR Apache-2.0
// Programs that wgnet runs: hooks of wg-quick files, resolvconf(8), and a userspace implementation
// of WireGuard.
#ifndef WGNET_PROCESS_H_
#define WGNET_PROCESS_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace wgnet {

/// A program with what it is given. It has the caller's standard streams, but for what is said
/// here.
struct Process {
  std::vector<std::string> arguments;     ///< the program, looked for in PATH, then its arguments
  std::vector<std::string> environment;   ///< NAME=VALUE, besides the caller's
  std::optional<std::string> input = {};  ///< what it reads from standard input
  bool silent = false;                    ///< its standard streams are /dev/null
};

/// What runs programs; SessionOptions takes another one, e.g. one that refuses or records.
class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;
  /// Runs the program to its end, on a thread that is in the session's network namespace: a child
  /// of that thread is in it, too. The exit status, 128 and a signal's number (as in a shell), or a
  /// negative errno where the program could not be run.
  virtual int Run(const Process& process) = 0;
};

/// Runs programs with posix_spawn(3), with no signal blocked. SIGCHLD may be ignored. But nobody
/// else may wait for the program, as by waitpid(-1): its exit status would be his, and the program
/// counts as failed with ECHILD. A process that does so needs a runner of its own.
std::shared_ptr<ProcessRunner> SystemProcessRunner();

}  // namespace wgnet

#endif  // WGNET_PROCESS_H_
