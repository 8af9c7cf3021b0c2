// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/recovery.h"

#include <linux/netfilter.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace wgnet::plan {
namespace {

using kernel::Object;

// The links of a record, by number, with their names.
std::map<uint32_t, std::string> LinksOf(const Record& record) {
  std::map<uint32_t, std::string> links;
  for (const Object& object : record.objects) {
    if (const auto* link = std::get_if<kernel::Link>(&object)) {
      links[*link->index] = link->name->str();
    }
  }
  return links;
}

// A kill switch drops what it does not let out.
bool IsOfKillSwitch(const Object& object) {
  const auto* chain = std::get_if<kernel::NftChain>(&object);
  return chain != nullptr && chain->policy == uint32_t{NF_DROP};
}

// It has to hold also when the tunnels are gone. With it stay the numbers that it lets out.
void KeepKillSwitch(const Record& record, Record& rest, Record& kept) {
  const auto chain = std::find_if(record.objects.begin(), record.objects.end(), IsOfKillSwitch);
  if (chain == record.objects.end()) return;
  const kernel::NftTable table = *kernel::TableOf(*chain);
  const auto first =
      std::stable_partition(rest.objects.begin(), rest.objects.end(), [&](const Object& object) {
        return !kernel::IsInTable(table, object) && !kernel::SameKey(table, object);
      });
  kept.objects.assign(first, rest.objects.end());
  kept.allocations = record.allocations;
  rest.objects.erase(first, rest.objects.end());
}

using Table = std::pair<Family, uint32_t>;

// The tables other than main in which the record has routes through such a link.
template <class Wanted>
std::set<Table> TablesOf(const Record& record, const Wanted& wanted) {
  std::set<Table> tables;
  for (const Object& object : record.objects) {
    const auto* route = std::get_if<kernel::Route>(&object);
    if (route == nullptr || !route->dev || *route->table == RT_TABLE_MAIN) continue;
    if (wanted(route->dev->index)) tables.insert({route->dst->family(), *route->table});
  }
  return tables;
}

using Place = std::pair<Family, uint32_t>;  // a rule's priority

// Rules into these tables, and the one before each, which keeps what main knows out of it.
std::set<Place> PlacesOf(const Record& record, const std::set<Table>& tables) {
  std::set<Place> places;
  for (const Object& object : record.objects) {
    const auto* rule = std::get_if<kernel::Rule>(&object);
    if (rule == nullptr || !tables.contains({*rule->family, rule->table.value_or(0)})) continue;
    places.insert({*rule->family, *rule->priority});
    places.insert({*rule->family, *rule->priority - 1});
  }
  return places;
}

}  // namespace

Parting PartFromLost(const Record& record, std::span<const kernel::Link> links) {
  Record rest = WithoutLost(record, links);
  std::map<uint32_t, std::string> lost = LinksOf(record);
  const auto alive = LinksOf(rest);
  for (const auto& [index, name] : alive) lost.erase(index);
  Parting parting{.kept = {.owner = record.owner, .node_number = record.node_number},
                  .any = !lost.empty()};
  parting.left_behind.owner = record.owner;
  if (lost.empty()) {
    parting.kept = std::move(rest);
    return parting;
  }
  if (alive.empty()) {
    KeepKillSwitch(record, rest, parting.kept);
    parting.left_behind = std::move(rest);
    return parting;
  }
  const auto is_lost = [&](uint32_t index) { return lost.contains(index); };
  std::set<Table> tables = TablesOf(record, is_lost);
  for (const Table& table : TablesOf(rest, [](uint32_t) { return true; })) tables.erase(table);
  const std::set<Place> places = PlacesOf(rest, tables);
  for (Object& object : rest.objects) {
    const auto* rule = std::get_if<kernel::Rule>(&object);
    const kernel::LinkRef* dev = kernel::LinkOf(object);
    const bool gone = (rule != nullptr && places.contains({*rule->family, *rule->priority})) ||
                      (dev != nullptr && is_lost(dev->index));
    (gone ? parting.left_behind : parting.kept).objects.push_back(std::move(object));
  }
  parting.kept.claims = std::move(rest.claims);
  parting.kept.allocations = std::move(rest.allocations);
  parting.kept.names = std::move(rest.names);
  return parting;
}

}  // namespace wgnet::plan
