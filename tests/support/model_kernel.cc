// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/model_kernel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "src/base/try.h"

namespace wgnet::testing {
namespace {

using kernel::Object;
using kernel::Verb;

kernel::Rule SystemRule(uint32_t priority, uint32_t table) {
  kernel::Rule rule;
  rule.family = Family::kIpv4;
  rule.priority = priority;
  rule.invert = false;
  rule.action = FR_ACT_TO_TBL;
  rule.table = table;
  rule.protocol = RTPROT_KERNEL;
  return rule;
}

[[noreturn]] void Die(const std::string& why) {
  fmt::print(stderr, "the test's own set-up failed: {}\n", why);
  std::abort();
}

// The object as a change leaves it.
Object Changed(Object before, const Object& after) {
  std::visit(
      [&]<class T>(const T& typed) {
        T result = typed;
        netlink::Complete(result, *std::get_if<T>(&before));
        before = result;
      },
      after);
  return before;
}

// What the kernel gives a new link besides.
Object WithDefaults(Object object) {
  if (auto* link = std::get_if<kernel::Link>(&object)) {
    kernel::Link defaults;
    defaults.forwarding = 0;
    defaults.rp_filter = 0;
    defaults.src_valid_mark = 0;
    defaults.up = false;
    netlink::Complete(*link, defaults);
  }
  return object;
}

void AddEndpoints(const Node& node, plan::Facts& facts) {
  for (const Interface& interface : node.interfaces()) {
    for (const Peer& peer : interface.peers()) {
      if (!peer.endpoint()) continue;
      const auto address = IpAddress::Parse(peer.endpoint()->host());
      if (!address) Die("the endpoint is no address");
      facts.paths[plan::Facts::PathKey(interface, peer)] = {{*address, peer.endpoint()->port(), 0},
                                                            1500};
    }
  }
}

}  // namespace

ModelKernel::ModelKernel() {
  AddLink("lo", 1);
  AddLink("eth0", 2);
  objects_.emplace_back(SystemRule(0, RT_TABLE_LOCAL));
  objects_.emplace_back(SystemRule(32766, RT_TABLE_MAIN));
  objects_.emplace_back(SystemRule(32767, RT_TABLE_DEFAULT));
  SetSetting("net/ipv4/conf/all/rp_filter", "0");
  SetSetting("net/ipv4/conf/all/src_valid_mark", "0");
  SetSetting("net/ipv4/conf/all/send_redirects", "1");
  SetSetting("net/ipv4/conf/default/forwarding", "0");
  for (const char* conf : {"all", "default", "lo", "eth0"}) {
    SetSetting(fmt::format("net/ipv6/conf/{}/forwarding", conf), "0");
    SetSetting(fmt::format("net/ipv6/conf/{}/accept_ra", conf), "1");
  }
}

Object* ModelKernel::Find(const Object& key) {
  const auto found = std::find_if(objects_.begin(), objects_.end(), [&](const Object& object) {
    return kernel::SameKey(object, key);
  });
  return found == objects_.end() ? nullptr : &*found;
}

void ModelKernel::SetSetting(std::string_view name, std::string_view value) {
  kernel::Sysctl setting;
  setting.name = kernel::SysctlName(name);
  setting.value = kernel::SysctlText(value);
  if (Object* known = Find(setting)) {
    *known = setting;
  } else {
    objects_.emplace_back(setting);
  }
}

std::string ModelKernel::Setting(std::string_view name) const {
  for (const Object& object : objects_) {
    const auto* setting = std::get_if<kernel::Sysctl>(&object);
    if (setting != nullptr && setting->name->view() == name) return setting->value->str();
  }
  return "none";
}

kernel::Link ModelKernel::AddLink(std::string_view name, uint32_t index) {
  kernel::Link link;
  link.name = FixedString<IFNAMSIZ - 1>(name);
  link.index = index;
  link.mtu = 1500;
  link.group = 0;
  link.kind = FixedString<31>("dummy");
  link.forwarding = 0;
  link.rp_filter = 0;
  link.src_valid_mark = 0;
  link.up = true;
  objects_.emplace_back(link);
  for (const char* setting : {"forwarding", "src_valid_mark"}) {
    SetSetting(fmt::format("net/ipv4/conf/{}/{}", name, setting), "0");
  }
  return link;
}

plan::Facts ModelKernel::FactsFor(const Node& node) const {
  plan::Facts facts;
  for (const Object& object : objects_) {
    if (const auto* link = std::get_if<kernel::Link>(&object)) facts.links.push_back(*link);
    if (const auto* rule = std::get_if<kernel::Rule>(&object)) facts.rules.push_back(*rule);
    if (const auto* route = std::get_if<kernel::Route>(&object)) {
      plan::AddOnce(facts.used_tables, *route->table);
    }
    const auto* chain = std::get_if<kernel::NftChain>(&object);
    if (chain != nullptr && chain->hook) facts.base_chains.push_back(*chain);
    if (const auto* setting = std::get_if<kernel::Sysctl>(&object)) {
      facts.settings[setting->name->str()] = setting->value->str();
    }
  }
  facts.stated_numbers = plan::StatedNumbers(node);
  AddEndpoints(node, facts);
  for (const Dns& dns : node.dns()) {
    facts.dns_hosts.emplace(dns.interface(), DnsHost{DnsBackend::kResolved, "", ""});
  }
  return facts;
}

plan::Snapshot ModelKernel::Read() const {
  plan::Snapshot snapshot;
  Dump(snapshot);
  return snapshot;
}

std::string ModelKernel::State() const {
  std::vector<std::string> lines;
  for (const Object& object : objects_) {
    JsonWriter out(false);
    out.Object([&] { kernel::WriteJsonMembers(object, Secrets::kReveal, out); });
    lines.push_back(std::string(kernel::KindOf(object)) + " " + out.text() + "\n");
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

std::string ModelKernel::Do(const plan::Op& op) {
  if (const auto* setting = std::get_if<kernel::Sysctl>(&op.object)) {
    for (const auto& [name, value] : kernel::WritesOf({op.verb, *setting, *setting})) {
      SetSetting(name.view(), value.view());
    }
    return "";
  }
  Object* found = Find(op.object);
  if ((op.verb == Verb::kAdd) != (found == nullptr)) {
    return fmt::format("{} {}: {}", kernel::VerbName(op.verb), kernel::KindOf(op.object),
                       found == nullptr ? "not there" : "there already");
  }
  if (op.verb == Verb::kAdd) objects_.push_back(WithDefaults(op.object));
  if (op.verb == Verb::kChange) *found = Changed(*found, op.object);
  if (op.verb == Verb::kDelete) {
    const auto* link = std::get_if<kernel::Link>(found);
    const uint32_t index = link != nullptr ? *link->index : 0;
    objects_.erase(objects_.begin() + (found - objects_.data()));
    std::erase_if(objects_, [&](const Object& object) {
      const kernel::LinkRef* dev = kernel::LinkOf(object);
      return index != 0 && dev != nullptr && dev->index == index;
    });
  }
  return "";
}

Result<plan::PlanData> ModelKernel::Plan(const std::string& owner, const Node& node) const {
  plan::Record recorded{.owner = owner};
  std::vector<plan::Record> others;
  for (const auto& [name, record] : records_) {
    if (name == owner) {
      recorded = record;
    } else {
      others.push_back(record);
    }
  }
  const plan::Facts facts = FactsFor(node);
  const plan::Record own = plan::WithoutLost(recorded, facts.links);
  WGNET_ASSIGN_OR_RETURN(const plan::Desired desired, plan::Lower(node, facts, own, others));
  const plan::Snapshot snapshot = Read();
  WGNET_ASSIGN_OR_RETURN(plan::Difference difference, plan::Diff(desired, snapshot, own, others));
  plan::PlanData plan{.ops = std::move(difference.ops),
                      .before = recorded,
                      .after = std::move(difference.record),
                      .warnings = desired.warnings};
  plan.warnings.insert(plan.warnings.end(), difference.warnings.begin(), difference.warnings.end());
  return plan;
}

void ModelKernel::Apply(const plan::PlanData& plan) {
  for (const plan::Op& op : plan.ops) {
    // A device, and what else a link takes along, may be gone with it.
    const std::string problem = Do(op);
    if (!problem.empty() && !std::holds_alternative<kernel::WgDevice>(op.object)) Die(problem);
  }
  records_[plan.after.owner] = plan.after;
  if (plan.after.empty()) records_.erase(plan.after.owner);
}

plan::PlanData ModelKernel::Apply(const std::string& owner, const Node& node) {
  auto plan = Plan(owner, node);
  if (!plan) Die(plan.error().ToString());
  Apply(*plan);
  return *std::move(plan);
}

plan::Desired LowerOrDie(const Node& node, const ModelKernel& kernel, const plan::Record& own) {
  auto desired = plan::Lower(node, kernel.FactsFor(node), own, {});
  if (!desired) Die(desired.error().ToString());
  return *std::move(desired);
}

}  // namespace wgnet::testing
