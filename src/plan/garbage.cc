// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/garbage.h"

#include "src/base/try.h"
#include "src/plan/lowering.h"
#include "src/plan/snapshot.h"

namespace wgnet::plan {
namespace {

using kernel::KeySet;
using kernel::Object;

Result<Snapshot> ReadMarked(Reader& reader) {
  Scope links;
  links.links = true;
  WGNET_ASSIGN_OR_RETURN(const Snapshot found, Snapshot::Read(links, reader));
  Scope scope;
  scope.links = true;
  scope.rules = true;
  scope.tables = true;
  scope.route_protocol = kernel::kProtocol;
  for (const Object& object : found.objects()) {
    if (const auto* link = std::get_if<kernel::Link>(&object)) {
      scope.address_links.push_back(*link->index);
    }
  }
  return Snapshot::Read(scope, reader);
}

bool IsOfTable(const Object& object) {
  const auto* set = std::get_if<kernel::NftSet>(&object);
  return std::holds_alternative<kernel::NftChain>(object) ||
         std::holds_alternative<kernel::NftElement>(object) ||
         (set != nullptr && !kernel::IsAnonymous(*set));
}

Status AddContents(const std::vector<Scope::NftTableName>& tables, Reader& reader,
                   Record& unowned) {
  Scope scope;
  scope.nft_tables = tables;
  WGNET_ASSIGN_OR_RETURN(const Snapshot contents, Snapshot::Read(scope, reader));
  for (const Object& object : contents.objects()) {
    if (IsOfTable(object)) unowned.objects.push_back(object);
  }
  return {};
}

}  // namespace

bool IsMarked(const Object& object) {
  if (const auto* link = std::get_if<kernel::Link>(&object)) {
    return link->group == kernel::kLinkGroup;
  }
  if (const auto* address = std::get_if<kernel::Address>(&object)) {
    return address->protocol == kernel::kProtocol;
  }
  if (const auto* route = std::get_if<kernel::Route>(&object)) {
    return route->protocol == kernel::kProtocol;
  }
  if (const auto* rule = std::get_if<kernel::Rule>(&object)) {
    return rule->protocol == kernel::kProtocol;
  }
  const auto* table = std::get_if<kernel::NftTable>(&object);
  return table != nullptr && table->comment && table->comment->view().starts_with(AliasOf(""));
}

Result<Record> FindUnowned(std::span<const Record> records, Reader& reader) {
  WGNET_ASSIGN_OR_RETURN(const Snapshot marked, ReadMarked(reader));
  KeySet owned;
  for (const Record& record : records) {
    for (const Object& object : record.objects) owned.insert(&object);
  }
  Record unowned;
  std::vector<Scope::NftTableName> tables;
  for (const Object& object : marked.objects()) {
    if (!IsMarked(object) || owned.contains(&object)) continue;
    unowned.objects.push_back(object);
    const auto* table = std::get_if<kernel::NftTable>(&object);
    if (table != nullptr) tables.push_back({*table->family, *table->name});
  }
  if (!tables.empty()) WGNET_RETURN_IF_ERROR(AddContents(tables, reader, unowned));
  return unowned;
}

}  // namespace wgnet::plan
