// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/op.h"

#include <algorithm>
#include <utility>

namespace wgnet::plan {
namespace {

using kernel::Verb;

// WireGuard cannot forget an endpoint: the peer has to be made anew.
bool LosesEndpoint(const kernel::Object& from, const kernel::Object& to) {
  const auto* have = std::get_if<kernel::WgPeer>(&from);
  const auto* want = std::get_if<kernel::WgPeer>(&to);
  return have != nullptr && want != nullptr && have->endpoint && !want->endpoint;
}

}  // namespace

bool AddsLink(const Op& op) {
  return op.verb == Verb::kAdd && std::holds_alternative<kernel::Link>(op.object);
}

bool IsRemoved(const std::vector<Op>& ops, const kernel::Object& object) {
  return std::any_of(ops.begin(), ops.end(), [&](const Op& op) {
    return op.verb == Verb::kDelete && kernel::SameKey(op.object, object);
  });
}

bool UsesNftables(const std::vector<Op>& ops) {
  return std::any_of(ops.begin(), ops.end(), [](const Op& op) {
    return kernel::BusOf(op.object) == netlink::Bus::kNetfilter;
  });
}

std::vector<Op> InverseOf(const Op& op) {
  Op inverse = op;
  inverse.undo_only = false;
  switch (op.verb) {
    case Verb::kAdd:
      inverse.verb = Verb::kDelete;
      return {inverse};
    case Verb::kDelete:
      inverse.verb = Verb::kAdd;
      return {inverse};
    case Verb::kChange:
      break;
  }
  if (LosesEndpoint(op.object, op.before)) {
    Op remove = op;
    remove.verb = Verb::kDelete;
    inverse.verb = Verb::kAdd;
    inverse.object = op.before;
    return {remove, inverse};
  }
  std::swap(inverse.object, inverse.before);
  return {inverse};
}

std::string AddCommandOf(const kernel::Object& object) {
  const auto hidden = [](const SecretKey&) { return std::string("(hidden)"); };
  const auto commands = kernel::CommandsOf(Verb::kAdd, object, object, hidden);
  return commands.empty() ? "" : commands.front();
}

kernel::Commands CommandsOf(const Op& op, const netlink::SecretWord& secret) {
  if (op.undo_only) return {};
  auto commands = kernel::CommandsOf(op.verb, op.object, op.image(), secret);
  if (op.foreign) {
    for (std::string& command : commands) command += "  # somebody else's, lost with what it is in";
  }
  return commands;
}

}  // namespace wgnet::plan
