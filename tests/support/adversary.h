// SPDX-License-Identifier: MIT OR Apache-2.0
// Somebody else, who changes what is his at random, in this network namespace and in a twin of it
// where nobody else is.
#ifndef WGNET_TESTS_SUPPORT_ADVERSARY_H_
#define WGNET_TESTS_SUPPORT_ADVERSARY_H_

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "src/base/unique_fd.h"
#include "tests/support/random_node.h"

namespace wgnet::testing {

/// Another network namespace, for the calling thread.
class Twin {
 public:
  /// `make` makes what is in it.
  explicit Twin(const std::function<void()>& make);
  void Inside(const std::function<void()>& body) const;

 private:
  UniqueFd own_;
  UniqueFd twin_;
};

class Adversary {
 public:
  Adversary(Random& random, const Twin& twin) : random_(random), twin_(twin) {}

  /// One change, in both namespaces: a link, an address, a route in the main table or another, a
  /// rule, something in an nftables table, a setting. Empty, or what went wrong.
  std::string Act();
  size_t acts() const { return acts_; }
  const std::string& last() const { return last_; }
  /// How many kinds of change there were.
  size_t kinds() const { return kinds_.size(); }
  static constexpr size_t kAllKinds = 12;

 private:
  // The command of a change, or none where it cannot be made now.
  std::string Choose(int kind);
  std::string AddLink();
  std::string RemoveLink();
  std::string Toggle(std::set<std::string>& there, const std::string& what, const char* object);
  std::string Nft(int kind);
  std::string Device();

  Random& random_;
  const Twin& twin_;
  size_t acts_ = 0;
  std::string last_;
  std::set<int> kinds_;
  int next_index_ = 90000;                              // ours are above
  std::map<std::string, std::set<std::string>> links_;  // with the addresses of each
  std::set<std::string> addresses_;                     // of the uplink
  std::set<std::string> routes_;
  std::set<std::string> rules_;
  std::set<std::string> tables_;
};

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_ADVERSARY_H_
