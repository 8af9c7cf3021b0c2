// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/snapshot.h"

#include <map>
#include <unordered_map>

#include "src/base/try.h"

namespace wgnet::plan {

struct Snapshot::Index {
  std::unordered_map<const kernel::Object*, kernel::Object*, kernel::KeyHash, kernel::KeyEqual>
      by_key;
};

Snapshot::Snapshot() : index_(std::make_unique<Index>()) {}
Snapshot::Snapshot(Snapshot&&) noexcept = default;
Snapshot& Snapshot::operator=(Snapshot&&) noexcept = default;
Snapshot::~Snapshot() = default;

Result<Snapshot> Snapshot::Read(const Scope& scope, Reader& reader) {
  Snapshot snapshot;
  WGNET_RETURN_IF_ERROR(reader.Read(scope, snapshot));
  snapshot.NameLinks();
  return snapshot;
}

const kernel::Object* Snapshot::Find(const kernel::Object& key) const {
  const auto found = index_->by_key.find(&key);
  return found == index_->by_key.end() ? nullptr : found->second;
}

void Snapshot::Restart() {
  index_->by_key.clear();
  objects_.clear();
}

void Snapshot::Visit(const kernel::Object& object) {
  if (Find(object) != nullptr) return;
  objects_.push_back(object);
  index_->by_key.emplace(&objects_.back(), &objects_.back());
  if (auto* chain = std::get_if<kernel::NftChain>(&objects_.back())) chain->rules.emplace();
}

void Snapshot::VisitRule(const kernel::NftRule& rule) {
  kernel::NftChain key;
  key.family = rule.family;
  key.table = rule.table;
  key.name = rule.chain;
  const kernel::Object wanted(std::move(key));
  const auto found = index_->by_key.find(&wanted);
  if (found == index_->by_key.end()) return;
  std::get_if<kernel::NftChain>(found->second)->rules->push_back(rule);
}

void Snapshot::NameRules(std::span<const kernel::Object> recorded) {
  std::unordered_map<std::string, const kernel::nft::RuleText*> texts;
  for (const kernel::Object& object : recorded) {
    const auto* chain = std::get_if<kernel::NftChain>(&object);
    if (chain == nullptr || !chain->rules) continue;
    for (const kernel::NftRule& rule : *chain->rules) texts[rule.comment->str()] = &rule.text;
  }
  for (kernel::Object& object : objects_) {
    auto* chain = std::get_if<kernel::NftChain>(&object);
    if (chain == nullptr) continue;
    for (kernel::NftRule& rule : *chain->rules) {
      const auto known = texts.find(rule.comment ? rule.comment->str() : "");
      if (known != texts.end()) rule.text = *known->second;
    }
  }
}

// A dump tells links by number; commands need their names.
void Snapshot::NameLinks() {
  std::map<uint32_t, kernel::LinkRef> links;
  for (const kernel::Object& object : objects_) {
    if (const auto* link = std::get_if<kernel::Link>(&object)) links[*link->index] = link->ref();
  }
  for (kernel::Object& object : objects_) {
    std::visit(
        [&](auto& typed) {
          if constexpr (requires { typed.dev; }) {
            if (!typed.dev) return;
            if (const auto known = links.find(typed.dev->index); known != links.end()) {
              typed.dev = known->second;
            }
          }
        },
        object);
  }
}

}  // namespace wgnet::plan
