// SPDX-License-Identifier: MIT OR Apache-2.0
// The inverse of every op of plans that hold every kind of object and every verb.
#include "src/plan/op.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "tests/support/kernel_state.h"
#include "tests/support/model_kernel.h"
#include "tests/support/world.h"

namespace wgnet::plan {
namespace {

using kernel::Object;
using kernel::Verb;
using testing::ModelKernel;

std::string TextOf(const Object& object) {
  JsonWriter out(false);
  out.Object([&] { kernel::WriteJsonMembers(object, Secrets::kReveal, out); });
  return std::string(kernel::KindOf(object)) + out.text();
}

std::string TextOf(const Op& op) {
  return std::string(kernel::VerbName(op.verb)) + TextOf(op.object) +
         (op.verb == Verb::kChange ? TextOf(op.before) : "");
}

// Somebody else's address, lost with the link.
Object ForeignAddress(const ModelKernel& kernel) {
  for (const Object& object : kernel.objects()) {
    const auto* link = std::get_if<kernel::Link>(&object);
    if (link == nullptr || link->name->view() != "hub") continue;
    kernel::Address address;
    address.local = *Prefix::Parse("10.66.0.1/24");
    address.dev = link->ref();
    return address;
  }
  std::abort();
}

// Apply, change, and removal of a node with everything; `visit(kernel, op)` comes before each op.
template <class Visit>
void ForEachOp(const Visit& visit) {
  ModelKernel kernel;
  for (const Node& node : {testing::LargeNode(), testing::ChangedNode(), Node()}) {
    if (node.empty()) kernel.objects().push_back(ForeignAddress(kernel));
    const auto plan = kernel.Plan("owner", node);
    ASSERT_TRUE(plan.ok()) << plan.error();
    ASSERT_FALSE(plan->ops.empty());
    for (const Op& op : plan->ops) {
      visit(kernel, op);
      if (!std::holds_alternative<kernel::WgDevice>(op.object) || op.verb != Verb::kDelete) {
        ASSERT_EQ(kernel.Do(op), "");
      }
    }
    kernel.Apply({.ops = {}, .before = plan->before, .after = plan->after});
  }
}

// The alias of a new link goes with the link.
bool IsTag(const Op& op) {
  const auto* before = std::get_if<kernel::Link>(&op.image());
  return op.verb == Verb::kChange && before != nullptr && !before->alias;
}

TEST(OpTest, TheInverseTakesEveryOpBack) {
  std::set<std::pair<std::string_view, Verb>> seen;
  size_t ops = 0;
  ForEachOp([&](const ModelKernel& before, const Op& op) {
    SCOPED_TRACE(TextOf(op));
    seen.emplace(kernel::KindOf(op.object), op.verb);
    ++ops;
    // A link takes along what is on it; the plan removes that before.
    ModelKernel kernel = before;
    const std::string state = kernel.State();
    if (kernel.Do(op) != "") return;
    EXPECT_NE(testing::DifferenceOf(state, kernel.State()), "");
    for (const Op& inverse : InverseOf(op)) EXPECT_EQ(kernel.Do(inverse), "");
    if (std::holds_alternative<kernel::Link>(op.object) && op.verb == Verb::kDelete) return;
    if (IsTag(op)) return;
    EXPECT_EQ(testing::DifferenceOf(state, kernel.State()), "");
  });
  // What the plan has no op for: a table, a set and an element never change, a rule is all key.
  for (const char* kind : {"link", "address", "route", "rule", "wireguard", "peer", "nft_table",
                           "nft_chain", "nft_set", "nft_element"}) {
    EXPECT_TRUE(seen.contains({kind, Verb::kAdd})) << kind;
    EXPECT_TRUE(seen.contains({kind, Verb::kDelete})) << kind;
  }
  for (const char* kind : {"link", "wireguard", "peer", "nft_chain", "sysctl"}) {
    EXPECT_TRUE(seen.contains({kind, Verb::kChange})) << kind;
  }
  std::cout << ops << " ops\n";
}

TEST(OpTest, TheInverseOfTheInverseIsTheOp) {
  ForEachOp([&](const ModelKernel&, const Op& op) {
    const auto inverse = InverseOf(op);
    ASSERT_FALSE(inverse.empty());
    if (inverse.size() > 1) return;  // a peer that is made anew, see below
    const auto twice = InverseOf(inverse.front());
    ASSERT_EQ(twice.size(), 1u);
    EXPECT_EQ(TextOf(twice.front()), TextOf(op));
    EXPECT_EQ(twice.front().phase, op.phase);
    EXPECT_EQ(twice.front().foreign, op.foreign);
    EXPECT_EQ(twice.front().slot, op.slot);
  });
}

kernel::WgPeer ThePeer() {
  kernel::WgPeer peer;
  peer.dev = kernel::LinkRef{7, "wg0"};
  peer.public_key = *PublicKey::Parse("HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=");
  peer.allowed_ips.emplace();
  return peer;
}

// WireGuard has no way to take an endpoint from a peer.
TEST(OpTest, APeerThatGotItsFirstEndpointIsMadeAnew) {
  const kernel::WgPeer before = ThePeer();
  kernel::WgPeer after = before;
  after.endpoint = kernel::SocketAddress{*IpAddress::Parse("192.0.2.1"), 1, 0};
  const Op op{.verb = Verb::kChange, .object = after, .before = before};
  const auto inverse = InverseOf(op);
  ASSERT_EQ(inverse.size(), 2u);
  EXPECT_EQ(inverse[0].verb, Verb::kDelete);
  EXPECT_EQ(inverse[1].verb, Verb::kAdd);
  EXPECT_EQ(TextOf(inverse[1].object), TextOf(before));
  ModelKernel kernel;
  kernel.objects().emplace_back(after);
  for (const Op& part : inverse) EXPECT_EQ(kernel.Do(part), "");
  EXPECT_EQ(TextOf(*kernel.Find(before)), TextOf(before));
}

TEST(OpTest, AnEndpointThatMovedIsPutBackInPlace) {
  kernel::WgPeer before = ThePeer();
  before.endpoint = kernel::SocketAddress{*IpAddress::Parse("192.0.2.2"), 2, 0};
  kernel::WgPeer after = before;
  after.endpoint = kernel::SocketAddress{*IpAddress::Parse("192.0.2.1"), 1, 0};
  const auto inverse = InverseOf({.verb = Verb::kChange, .object = after, .before = before});
  ASSERT_EQ(inverse.size(), 1u);
  EXPECT_EQ(inverse[0].verb, Verb::kChange);
  EXPECT_EQ(TextOf(inverse[0].object), TextOf(before));
}

TEST(OpTest, TheImageIsWhatTheKernelHasBefore) {
  const Object a = ThePeer();
  kernel::WgPeer changed = ThePeer();
  changed.keepalive = 5;
  const Op change{.verb = Verb::kChange, .object = changed, .before = a};
  const Op remove{.verb = Verb::kDelete, .object = a};
  EXPECT_EQ(&change.image(), &change.before);
  EXPECT_EQ(&remove.image(), &remove.object);
}

TEST(OpTest, AForeignStepSaysSoInItsCommands) {
  kernel::Address address;
  address.local = *Prefix::Parse("10.0.0.1/24");
  address.dev = kernel::LinkRef{7, "wg0"};
  Op op{.verb = Verb::kDelete, .object = address, .foreign = true};
  const auto commands = CommandsOf(op, {});
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_NE(commands[0].find("# somebody else's"), std::string::npos);
  op.foreign = false;
  EXPECT_EQ(CommandsOf(op, {})[0].find('#'), std::string::npos);
}

TEST(OpTest, OnlyTheLastPhasesLoseState) {
  EXPECT_FALSE(LosesState(Phase::kAddressRemoval));
  EXPECT_TRUE(LosesState(Phase::kRekey));
  EXPECT_TRUE(LosesState(Phase::kPeerRemoval));
  EXPECT_TRUE(LosesState(Phase::kNftRemoval));
}

}  // namespace
}  // namespace wgnet::plan
