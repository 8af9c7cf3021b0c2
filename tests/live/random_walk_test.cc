// SPDX-License-Identifier: MIT OR Apache-2.0
// An owner goes from one random node to another, and back, in a namespace where somebody else
// changes what is his at random, between changes and in the middle of them. A twin of the
// namespace, where only the other one is, says what has to be there besides what is ours.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "src/plan/explain.h"
#include "tests/support/adversary.h"
#include "tests/support/kernel_state.h"
#include "tests/support/sample.h"
#include "tests/support/scenario.h"

namespace wgnet::testing {
namespace {

constexpr int kMostActsInside = 3;

class Walk {
 public:
  explicit Walk(uint64_t seed)
      : random_(seed),
        twin_([] { MakeUplink("eth0", "192.168.5.1/24"); }),
        adversary_(random_, twin_) {
    MakeUplink("eth0", "192.168.5.1/24");
    host_ = std::make_unique<Host>("owner", directory_.path());
    host_->transport().OnStep([this] { Disturb(); });
    first_ = host_->resolver().State();
  }

  // A, B, A, and nothing.
  std::string Round() {
    const Node a = RandomNode(random_);
    const Node b = RandomNode(random_);
    const Node* const nodes[] = {&a, &b, &a, nullptr};
    for (const Node* const node : nodes) {
      story_.clear();
      for (int i = Pick(random_, 3); i > 0; --i) {
        Note(adversary_.Act());
        story_ += "  before: " + adversary_.last() + "\n";
      }
      if (wrong_.empty()) wrong_ = GoTo(node != nullptr ? *node : Node());
      if (!wrong_.empty())
        return wrong_ + "\n" + story_ + "with the node " + (node ? node->ToJson() : "{}");
    }
    return "";
  }

  const Adversary& adversary() const { return adversary_; }
  size_t stale() const { return stale_; }
  size_t disturbed() const { return disturbed_; }

 private:
  void Note(const std::string& complaint) {
    if (wrong_.empty()) wrong_ = complaint;
  }

  // In the middle of a transaction.
  void Disturb() {
    if (acts_left_ == 0 || !Chance(random_, 10)) return;
    --acts_left_;
    ++disturbed_;
    Note(adversary_.Act());
    story_ += "  inside: " + adversary_.last() + "\n";
  }

  std::string GoTo(const Node& node) {
    acts_left_ = Chance(random_, 50) ? kMostActsInside : 0;
    const Status status = host_->Apply(node);
    acts_left_ = 0;
    if (!wrong_.empty()) return wrong_;
    if (!status) {
      if (status.error().code != ErrorCode::kStale) return "apply: " + Text(status) + PlanOf(node);
      ++stale_;
    }
    // What was changed meanwhile may ask for more.
    if (const auto error = Text(host_->Apply(node)); !error.empty()) {
      return "settle: " + error + PlanOf(node);
    }
    return Check(node);
  }

  std::string PlanOf(const Node& node) {
    const auto plan = host_->Plan(node);
    return "\nof the plan:\n" + (plan ? plan::Explain(*plan) : "") + "addresses:\n" +
           Shell("ip -4 -o address");
  }

  std::string Check(const Node& node) {
    const auto plan = host_->Plan(node);
    if (!plan) return "plan: " + Text(plan.error());
    if (!plan->ops.empty()) return "there is more to do:\n" + plan::Explain(*plan);
    const std::string missing = FindMissing(node);
    if (!missing.empty()) return missing;
    std::string twin;
    twin_.Inside([&] { twin = QuietState(); });
    const std::string state = QuietState();
    if (!node.empty()) return LostFrom(twin, state);
    if (!Files(host_->state_dir()).empty()) return "a file is left";
    if (host_->resolver().State() != first_) return "the resolver is not as at first";
    return DifferenceOf(twin, state);
  }

  static std::string QuietState() {
    std::string state = ReadKernelState();
    for (int attempt = 0; attempt < 400; ++attempt) {
      std::string again = ReadKernelState();
      if (again == state && !HasTentativeAddress()) break;
      state = std::move(again);
      usleep(2000);
    }
    return state;
  }

  // Some of what the node states, read by other means: each interface and its addresses.
  static std::string FindMissing(const Node& node) {
    const std::string addresses = Shell("ip -o address");
    const std::string links = Shell("ip -o link");
    for (const Interface& link : node.interfaces()) {
      if (links.find(": " + link.name() + ": ") == links.npos) return link.name() + " is missing";
      for (const Prefix& address : link.addresses()) {
        const std::string words = fmt::format(
            "{}    {} {} ", link.name(), address.is_v6() ? "inet6" : "inet", address.ToString());
        if (addresses.find(words) == addresses.npos) {
          return words + "is missing of:\n" + addresses;
        }
      }
    }
    return "";
  }

  Random random_;
  Twin twin_;
  Adversary adversary_;
  TemporaryDirectory directory_;
  std::unique_ptr<Host> host_;
  std::string first_;
  std::string wrong_;
  std::string story_;  // what the adversary has done to this node
  int acts_left_ = 0;
  size_t stale_ = 0;
  size_t disturbed_ = 0;
};

std::string WalkAbout() {
  const char* const given = std::getenv("WGNET_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 20261127;
  const size_t rounds = Full() ? 1000 : InGuest() ? 3 : 40;
  Walk walk(seed);
  for (size_t round = 0; round < rounds; ++round) {
    const std::string wrong = walk.Round();
    if (!wrong.empty()) return fmt::format("WGNET_SEED={}, round {}:\n{}", seed, round, wrong);
  }
  fmt::print(
      "{} random nodes, {} changes of others' in {} kinds, {} of them inside of ours, {} stale; "
      "{}\n",
      2 * rounds, walk.adversary().acts(), walk.adversary().kinds(), walk.disturbed(), walk.stale(),
      Reached());
  fflush(nullptr);
  const bool all = walk.adversary().kinds() == Adversary::kAllKinds && walk.disturbed() > rounds;
  return all || InGuest() ? "" : "not every kind of change was made";
}

TEST(RandomWalk, LeavesOthersAlone) { EXPECT_EQ(InNewNamespace(WalkAbout, 6000), ""); }

}  // namespace
}  // namespace wgnet::testing
