// SPDX-License-Identifier: MIT OR Apache-2.0
// Prefixes that have tables of their own.
#include <fmt/format.h>

#include "src/base/try.h"
#include "src/plan/lowering_parts.h"

namespace wgnet::plan::lowering {
namespace {

constexpr uint32_t kLowestPriority = 31999;

// One for all that go to the same prefix through the same link.
uint32_t ChooseTable(const PolicyRoute& route, Draft& draft) {
  if (route.table()) return *route.table();
  return *draft.Allocate("table", route.to()->ToString() + " " + route.interface(),
                         Candidates::Tables(kFirstPrefixTable, draft.facts()));
}

uint32_t ChoosePriority(const PolicyRoute& route, Draft& draft) {
  if (route.priority()) return *route.priority();
  std::string what = route.to()->ToString() + " " + route.interface();
  if (route.from()) what += " from " + route.from()->ToString();
  if (route.in_interface()) what += " iif " + *route.in_interface();
  if (route.fwmark()) {
    what += fmt::format(" fwmark {:#x}/{:#x}", route.fwmark()->value, route.fwmark()->mask);
  }
  const Candidates candidates = {
      .first = kLowestPriority,
      .next =
          [](uint32_t priority) {
            return priority > 1 ? std::optional(priority - 1) : std::nullopt;
          },
      .is_free =
          [&](uint32_t priority) { return draft.IsFreePriority(route.to()->family(), priority); }};
  return draft.Allocate(PriorityKind(route.to()->family()), what, candidates)
      .value_or(kLowestPriority);
}

}  // namespace

Status LowerPrefixRoute(const PolicyRoute& route, Draft& draft) {
  WGNET_ASSIGN_OR_RETURN(const auto dev, draft.LinkOf(route.interface(), PlaceOf(route)));
  const uint32_t table = ChooseTable(route, draft);
  kernel::Rule rule = RuleInto(table, route.to()->family(), ChoosePriority(route, draft));
  if (!route.to()->is_default()) rule.to = route.to();
  if (route.from() && !route.from()->is_default()) rule.from = route.from();
  if (route.in_interface()) rule.iif = FixedString<IFNAMSIZ - 1>(*route.in_interface());
  if (route.fwmark()) {
    rule.fwmark = route.fwmark()->value;
    rule.fwmask = route.fwmark()->mask;
  }
  draft.From(PlaceOf(route));
  draft.AddRoute(*route.to(), dev, table);
  draft.AddRule(PlaceOf(route), std::move(rule));
  return {};
}

}  // namespace wgnet::plan::lowering
