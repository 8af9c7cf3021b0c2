// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/policy_route.h"

#include <linux/rtnetlink.h>

#include "src/api/setter.h"
#include "src/base/text.h"

namespace wgnet {
namespace {

Result<PolicyRoute::Mark> ParseMark(std::string_view text) {
  const size_t slash = text.find('/');
  const auto value = ParseNumber(text.substr(0, slash), UINT32_MAX);
  auto mask = std::optional<uint64_t>(UINT32_MAX);
  if (slash != text.npos) mask = ParseNumber(text.substr(slash + 1), UINT32_MAX);
  if (!value || !mask) {
    return Invalid("not a mark: " + QuoteForMessage(text), "such as 0xca6c or 0x100/0xff00");
  }
  return PolicyRoute::Mark{static_cast<uint32_t>(*value), static_cast<uint32_t>(*mask)};
}

}  // namespace

PolicyRoute PolicyRoute::FullTunnel(std::string_view interface) {
  PolicyRoute route;
  route.Interface(interface);
  return route;
}

PolicyRoute PolicyRoute::ForPrefix(Prefix prefix, std::string_view interface) {
  PolicyRoute route;
  route.Interface(interface);
  route.to_ = prefix.Masked();
  return route;
}

PolicyRoute PolicyRoute::ForPrefix(std::string_view prefix, std::string_view interface) {
  PolicyRoute route;
  route.Interface(interface);
  return route.To(prefix);
}

std::string PolicyRoute::Where(std::string_view setter) const {
  return "PolicyRoute(" + (interface_.empty() ? "" : QuoteForMessage(interface_)) + ")." +
         std::string(setter);
}

PolicyRoute& PolicyRoute::To(std::string_view prefix) {
  SetParsed(Prefix::Parse(prefix), error_, Where("To"),
            [&](Prefix parsed) { to_ = parsed.Masked(); });
  return *this;
}

PolicyRoute& PolicyRoute::Interface(std::string_view name) {
  SetParsed(CheckLinkName(name), error_, Where("Interface"),
            [&](std::string checked) { interface_ = std::move(checked); });
  return *this;
}

PolicyRoute& PolicyRoute::From(Prefix prefix) {
  from_ = prefix.Masked();
  return *this;
}

PolicyRoute& PolicyRoute::From(std::string_view prefix) {
  SetParsed(Prefix::Parse(prefix), error_, Where("From"), [&](Prefix parsed) { From(parsed); });
  return *this;
}

PolicyRoute& PolicyRoute::InInterface(std::string_view name) {
  SetParsed(CheckLinkName(name), error_, Where("InInterface"),
            [&](std::string checked) { in_interface_ = std::move(checked); });
  return *this;
}

PolicyRoute& PolicyRoute::FwMark(uint32_t mark, uint32_t mask) {
  if (mark == 0 || (mark & ~mask) != 0) {
    Remember(
        error_,
        Invalid("the mark is zero, or has bits outside the mask", "such as FwMark(0x100, 0xff00)"),
        Where("FwMark"));
  } else {
    fwmark_ = Mark{mark, mask};
  }
  return *this;
}

PolicyRoute& PolicyRoute::FwMarkText(std::string_view mark_and_mask) {
  SetParsed(ParseMark(mark_and_mask), error_, Where("FwMark"),
            [&](Mark mark) { FwMark(mark.value, mark.mask); });
  return *this;
}

PolicyRoute& PolicyRoute::Table(uint32_t table) {
  if (table == 0 || (table >= RT_TABLE_DEFAULT && table <= RT_TABLE_LOCAL)) {
    Remember(error_,
             Invalid("not a table of one's own: " + std::to_string(table),
                     "any number from 1 on, but 253 to 255, which are the system's"),
             Where("Table"));
  } else {
    table_ = table;
  }
  return *this;
}

PolicyRoute& PolicyRoute::Priority(uint32_t priority) {
  if (priority == 0 || priority > 32765 || (is_full_tunnel() && priority == 1)) {
    Remember(error_,
             Invalid("out of range: " + std::to_string(priority),
                     "1 to 32765; from 2 on for a full tunnel, which also takes the one before"),
             Where("Priority"));
  } else {
    priority_ = priority;
  }
  return *this;
}

}  // namespace wgnet
