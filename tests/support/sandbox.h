// SPDX-License-Identifier: MIT OR Apache-2.0
// Runs a piece of a test in a process and a network namespace of its own, which go with it.
#ifndef WGNET_TESTS_SUPPORT_SANDBOX_H_
#define WGNET_TESTS_SUPPORT_SANDBOX_H_

#include <functional>
#include <string>

namespace wgnet::testing {

/// Runs `body` in a child process in a new network namespace with lo up. Returns what `body`
/// returns: the empty text for success. A crash, a failed expectation, or more than `seconds`, is a
/// text, too.
std::string InNewNamespace(const std::function<std::string()>& body, int seconds = 60);

/// The same for what counts: `body` sets the number. 0 and a failed expectation: it returned a
/// text.
size_t CountInNewNamespace(const std::function<std::string(size_t&)>& body);

/// What a child says, and whether an expectation has failed in it.
std::string WithFailures(std::string text);

/// Runs a shell command, and returns its output; a status other than 0 is appended.
std::string Shell(const std::string& command);

/// Makes a directory, on a tmpfs, that goes with this object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_SANDBOX_H_
