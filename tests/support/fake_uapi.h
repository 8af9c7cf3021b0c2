// SPDX-License-Identifier: MIT OR Apache-2.0
// A userspace implementation of WireGuard that says what it is told to say.
#ifndef WGNET_TESTS_SUPPORT_FAKE_UAPI_H_
#define WGNET_TESTS_SUPPORT_FAKE_UAPI_H_

#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "src/base/unique_fd.h"

namespace wgnet::testing {

/// Listens at DIRECTORY/INTERFACE.sock, one conversation after the other, until it is destroyed.
class FakeUapi {
 public:
  FakeUapi(const std::string& directory, const std::string& interface);
  ~FakeUapi();

  /// What it says from now on to requests that begin with "get" or with "set". Empty: it hangs up.
  void AnswerGet(std::string answer);
  void AnswerSet(std::string answer);
  /// The `set` requests so far.
  std::vector<std::string> sets();

 private:
  void Serve();
  void Talk(int connection);

  std::mutex mutex_;
  std::string get_ = "errno=0\n\n";
  std::string set_ = "errno=0\n\n";
  std::vector<std::string> sets_;
  UniqueFd socket_;
  std::thread thread_;
};

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_FAKE_UAPI_H_
