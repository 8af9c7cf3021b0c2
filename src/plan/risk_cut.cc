// SPDX-License-Identifier: MIT OR Apache-2.0
// Plans that cut the connection by which the caller is logged in.
#include "src/plan/risk.h"

#include <fmt/format.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "src/base/try.h"
#include "src/plan/routing.h"

namespace wgnet::plan {
namespace {

using kernel::Object;
using kernel::Verb;

std::string NameOf(const kernel::Route& route, const Snapshot& snapshot, const PlanData& plan) {
  kernel::Link key;
  key.index = route.dev ? route.dev->index : 0;
  if (const Object* link = snapshot.Find(key)) return std::get<kernel::Link>(*link).name->str();
  for (const Object& object : plan.after.objects) {
    const auto* link = std::get_if<kernel::Link>(&object);
    if (link != nullptr && link->index == key.index) return link->name->str();
  }
  return fmt::format("link {}", *key.index);
}

bool Has(const PlanData& plan, Verb verb, const IpAddress& address) {
  return std::any_of(plan.ops.begin(), plan.ops.end(), [&](const Op& op) {
    const auto* on_link = std::get_if<kernel::Address>(&op.object);
    return on_link != nullptr && op.verb == verb && on_link->local->address() == address;
  });
}

// One that only gets another length stays.
bool LosesAddress(const PlanData& plan, const IpAddress& address) {
  return Has(plan, Verb::kDelete, address) && !Has(plan, Verb::kAdd, address);
}

bool Allows(const Object& object, const kernel::Route& route, const IpAddress& address) {
  const auto* peer = std::get_if<kernel::WgPeer>(&object);
  if (peer == nullptr || !route.dev || peer->dev->index != route.dev->index) return false;
  return peer->allowed_ips &&
         std::any_of(peer->allowed_ips->begin(), peer->allowed_ips->end(),
                     [&](const Prefix& ip) { return ip.Contains(Prefix(address)); });
}

// Whether the tunnel that the route leads into has a peer there now, and none afterwards.
bool LosesPeer(const PlanData& plan, const kernel::Route& route, const IpAddress& address) {
  bool lost = false;
  for (const Op& op : plan.ops) {
    lost = lost || (op.verb != Verb::kAdd && Allows(op.image(), route, address));
  }
  return lost && std::none_of(plan.after.objects.begin(), plan.after.objects.end(),
                              [&](const Object& object) { return Allows(object, route, address); });
}

// A chain of ours that drops what is not let out.
bool MakesKillSwitch(const PlanData& plan) {
  return std::any_of(plan.ops.begin(), plan.ops.end(), [](const Op& op) {
    const auto* chain = std::get_if<kernel::NftChain>(&op.object);
    return chain != nullptr && op.verb == Verb::kAdd && chain->policy == uint32_t{NF_DROP} &&
           chain->hook && chain->hook->number == uint32_t{NF_INET_POST_ROUTING};
  });
}

bool IsTunnel(const kernel::Route& route, const PlanData& plan) {
  return std::any_of(plan.after.objects.begin(), plan.after.objects.end(), [&](const auto& object) {
    const auto* device = std::get_if<kernel::WgDevice>(&object);
    return device != nullptr && route.dev && device->dev->index == route.dev->index;
  });
}

std::vector<kernel::Rule> RulesIn(const Snapshot& snapshot) {
  std::vector<kernel::Rule> rules;
  for (const Object& object : snapshot.objects()) {
    if (const auto* rule = std::get_if<kernel::Rule>(&object)) rules.push_back(*rule);
  }
  std::stable_sort(rules.begin(), rules.end(),
                   [](const auto& a, const auto& b) { return *a.priority < *b.priority; });
  return rules;
}

std::string Warning(const SshConnection& connection, const std::string& why) {
  return fmt::format(
      "this cuts the SSH connection from {} that you may be using: {}; have it taken back unless "
      "you confirm it",
      connection.client.ToString(), why);
}

}  // namespace

Result<std::optional<std::string>> FindCut(const SshConnection& connection, const PlanData& plan,
                                           const Snapshot& snapshot, Reader& reader) {
  using Found = std::optional<std::string>;
  const auto& [client, server] = connection;
  WGNET_ASSIGN_OR_RETURN(const Routing before,
                         Routing::Read(client.family(), RulesIn(snapshot), plan.ops, reader));
  const kernel::Route* const here = before.RouteOf(server, server);
  const kernel::Route* const old_way = before.RouteOf(server, client);
  if (here == nullptr || here->type != RTN_LOCAL || old_way == nullptr) return Found();
  if (LosesAddress(plan, server)) {
    return Found(Warning(connection, fmt::format("the address {} goes", server.ToString())));
  }
  Routing after = before;
  for (const Op& op : plan.ops) after.Take(op);
  const kernel::Route* const new_way = after.RouteOf(server, client);
  const std::string old_name = NameOf(*old_way, snapshot, plan);
  if (new_way == nullptr) {
    return Found(Warning(connection,
                         fmt::format("it goes through {}, and there will be no route", old_name)));
  }
  if (new_way->dev != old_way->dev) {
    return Found(Warning(connection, fmt::format("it goes through {}, and would go through {}",
                                                 old_name, NameOf(*new_way, snapshot, plan))));
  }
  if (LosesPeer(plan, *old_way, client)) {
    return Found(Warning(connection, fmt::format("its peer of {} goes", old_name)));
  }
  if (MakesKillSwitch(plan) && old_name != "lo" && !IsTunnel(*old_way, plan)) {
    return Found(Warning(connection, "the kill switch does not let it out"));
  }
  return Found();
}

}  // namespace wgnet::plan
