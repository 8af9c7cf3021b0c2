// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/record.h"

#include <algorithm>

#include "src/base/try.h"
#include "src/plan/lowering.h"
#include "src/plan/object_bytes.h"

namespace wgnet::plan {
namespace {

constexpr std::string_view kMagic = "wgnetrec";
constexpr uint32_t kVersion = 1;

// ---- what is no object ----

void Put(const Claim& claim, ByteWriter& out) {
  out.Put(claim.setting);
  out.Put(claim.original);
  out.Put(claim.footprint);
}
void Put(const Allocation& allocation, ByteWriter& out) {
  out.Put(allocation.name);
  out.Put(allocation.value);
}
void Put(const EndpointName& name, ByteWriter& out) {
  out.Put(name.link);
  out.Put(name.peer);
  out.Put(name.endpoint);
}
template <class T>
void Put(const std::vector<T>& list, ByteWriter& out) {
  out.Put(static_cast<uint32_t>(list.size()));
  for (const T& item : list) Put(item, out);
}

void Get(Claim& claim, ByteReader& in) {
  in.Get(claim.setting);
  in.Get(claim.original);
  in.Get(claim.footprint);
}
void Get(Allocation& allocation, ByteReader& in) {
  in.Get(allocation.name);
  in.Get(allocation.value);
}
void Get(EndpointName& name, ByteReader& in) {
  in.Get(name.link);
  in.Get(name.peer);
  in.Get(name.endpoint);
}
template <class T>
void Get(std::vector<T>& list, ByteReader& in) {
  uint32_t count = 0;
  in.Get(count);
  for (uint32_t i = 0; i < count && in.ok(); ++i) Get(list.emplace_back(), in);
}

// A new link may get the number of one that is gone; it has not its tags. An administrator may have
// changed one of those; but the group is that of all owners.
bool IsTheSame(const kernel::Link& recorded, const kernel::Link& link) {
  if (link.index != recorded.index || link.kind != recorded.kind) return false;
  if (link.alias == recorded.alias) return true;
  const bool has_an_owner = link.alias && link.alias->view().starts_with(AliasOf(""));
  return link.group == recorded.group && !has_an_owner;
}

// systemd-resolved forgets a link that goes; files and other programs do not.
bool OutlivesItsLink(const kernel::Object& object) {
  const auto* setting = std::get_if<kernel::DnsSetting>(&object);
  return setting != nullptr && setting->backend != DnsBackend::kResolved;
}

}  // namespace

std::vector<uint32_t> LostLinks(const Record& record, std::span<const kernel::Link> links) {
  std::vector<uint32_t> lost;
  for (const kernel::Object& object : record.objects) {
    const auto* recorded = std::get_if<kernel::Link>(&object);
    if (recorded == nullptr) continue;
    const bool kept = std::any_of(links.begin(), links.end(), [&](const kernel::Link& link) {
      return IsTheSame(*recorded, link);
    });
    if (!kept) lost.push_back(*recorded->index);
  }
  return lost;
}

Record WithoutLost(Record record, std::span<const kernel::Link> links) {
  const std::vector<uint32_t> lost = LostLinks(record, links);
  const auto is_lost = [&](uint32_t index) {
    return std::find(lost.begin(), lost.end(), index) != lost.end();
  };
  std::erase_if(record.objects, [&](const kernel::Object& object) {
    const auto* link = std::get_if<kernel::Link>(&object);
    const kernel::LinkRef* dev = kernel::LinkOf(object);
    if ((link == nullptr && dev == nullptr) || OutlivesItsLink(object)) return false;
    const uint32_t index = link != nullptr ? *link->index : dev->index;
    return is_lost(index);
  });
  std::erase_if(record.names, [&](const EndpointName& name) { return is_lost(name.link); });
  return record;
}

const Claim* Record::FindClaim(const kernel::SysctlName& name) const {
  const auto found = std::find_if(claims.begin(), claims.end(),
                                  [&](const Claim& claim) { return claim.setting.name == name; });
  return found == claims.end() ? nullptr : &*found;
}

std::optional<uint32_t> Record::FindAllocation(std::string_view name) const {
  for (const Allocation& allocation : allocations) {
    if (allocation.name == name) return allocation.value;
  }
  return std::nullopt;
}

std::string EncodeRecord(const Record& record) {
  ByteWriter body;
  body.Put(record.owner);
  body.Put(record.objects);
  Put(record.claims, body);
  Put(record.allocations, body);
  Put(record.names, body);
  body.Put(record.transaction);
  body.Put(record.node_number);
  return SealRecord(body.text());
}

std::string ContentsOf(Record record) {
  record.transaction = 0;
  record.node_number = 0;
  return EncodeRecord(record);
}

std::string SealRecord(std::string_view body) {
  return SealOf(kMagic, kVersion, body) + std::string(body);
}

Result<Record> DecodeRecord(std::string_view bytes) {
  WGNET_ASSIGN_OR_RETURN(const std::string_view body, Unseal("record", kMagic, kVersion, bytes));
  Record record;
  ByteReader in(body);
  in.Get(record.owner);
  in.Get(record.objects);
  Get(record.claims, in);
  Get(record.allocations, in);
  if (!in.at_end()) Get(record.names, in);  // records of before have none
  if (!in.at_end()) in.Get(record.transaction);
  if (!in.at_end()) in.Get(record.node_number);
  if (!in.ok()) return Damaged("record", "it ends too early");
  return record;
}

}  // namespace wgnet::plan
