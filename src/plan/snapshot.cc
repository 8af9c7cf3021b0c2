// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/snapshot.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "src/base/try.h"

namespace wgnet::plan {

struct Snapshot::Contents {
  std::deque<kernel::Object> objects;
  std::unordered_map<const kernel::Object*, kernel::Object*, kernel::KeyHash, kernel::KeyEqual>
      by_key;
};

Snapshot::Snapshot() : contents_(std::make_unique<Contents>()) {}
Snapshot::Snapshot(Snapshot&&) noexcept = default;
Snapshot& Snapshot::operator=(Snapshot&&) noexcept = default;
Snapshot::~Snapshot() = default;

Result<Snapshot> Snapshot::Read(const Scope& scope, Reader& reader,
                                std::span<const kernel::Object> expected) {
  Snapshot snapshot;
  WGNET_RETURN_IF_ERROR(reader.Read(scope, snapshot));
  const bool misses =
      std::any_of(expected.begin(), expected.end(),
                  [&](const kernel::Object& object) { return snapshot.Find(object) == nullptr; });
  if (misses) WGNET_RETURN_IF_ERROR(reader.Read(scope, snapshot));
  snapshot.NameLinks();
  return snapshot;
}

const std::deque<kernel::Object>& Snapshot::objects() const { return contents_->objects; }

const kernel::Object* Snapshot::Find(const kernel::Object& key) const {
  const auto found = contents_->by_key.find(&key);
  return found == contents_->by_key.end() ? nullptr : found->second;
}

void Snapshot::Restart() {
  contents_->by_key.clear();
  contents_->objects.clear();
}

void Snapshot::Visit(const kernel::Object& object) {
  if (Find(object) != nullptr) return;
  contents_->objects.push_back(object);
  contents_->by_key.emplace(&contents_->objects.back(), &contents_->objects.back());
  if (auto* chain = std::get_if<kernel::NftChain>(&contents_->objects.back()))
    chain->rules.emplace();
}

void Snapshot::VisitRule(const kernel::NftRule& rule) {
  kernel::NftChain key;
  key.family = rule.family;
  key.table = rule.table;
  key.name = rule.chain;
  const kernel::Object wanted(std::move(key));
  const auto found = contents_->by_key.find(&wanted);
  if (found == contents_->by_key.end()) return;
  std::get_if<kernel::NftChain>(found->second)->rules->push_back(rule);
}

void Snapshot::NameRules(std::span<const kernel::Object> recorded) {
  std::unordered_map<std::string, const kernel::nft::RuleText*> texts;
  for (const kernel::Object& object : recorded) {
    const auto* chain = std::get_if<kernel::NftChain>(&object);
    if (chain == nullptr || !chain->rules) continue;
    for (const kernel::NftRule& rule : *chain->rules) texts[rule.comment->str()] = &rule.text;
  }
  for (kernel::Object& object : contents_->objects) {
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
  for (const kernel::Object& object : contents_->objects) {
    if (const auto* link = std::get_if<kernel::Link>(&object)) links[*link->index] = link->ref();
  }
  for (kernel::Object& object : contents_->objects) {
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
