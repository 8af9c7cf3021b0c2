// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/ownership.h"

#include <fmt/format.h>
#include <linux/rtnetlink.h>

#include "src/base/try.h"
#include "src/plan/op.h"

namespace wgnet::plan {
namespace {

using kernel::Object;

Error Conflict(const Object& wanted, const Object& found) {
  return {.code = ErrorCode::kConflict,
          .message = fmt::format("somebody else has a {} where one of ours should stand: {}",
                                 kernel::KindOf(wanted), AddCommandOf(found)),
          .hint = "remove it, or change the node",
          .command = AddCommandOf(wanted)};
}

// Whether all of it is in the rows: what is not, such as a rule's user or a route's MTU, would be
// lost. Every IPv6 route has a preference.
bool IsPlain(const kernel::Route& found) {
  bool plain = true;
  netlink::ForEachAttribute(
      found.extra, [&](uint16_t type, netlink::Bytes) { plain = plain && type == RTA_PREF; });
  return plain;
}
bool IsPlain(const kernel::Rule& found) { return found.extra.empty(); }

// The kernel's own go as they came, and those with our mark are, or were, an owner's.
bool MayHaveTwin(const kernel::Address& found) {
  constexpr uint8_t kLastOfKernel = 3;  // IFAPROT_KERNEL_LL and below
  const uint8_t protocol = found.protocol.value_or(0);
  return (protocol == 0 || protocol > kLastOfKernel) && protocol != kernel::kProtocol;
}
bool MayHaveTwin(const kernel::Route& found) {
  return IsPlain(found) && found.protocol != RTPROT_KERNEL && found.protocol != kernel::kProtocol;
}
bool MayHaveTwin(const kernel::Rule& found) {
  return IsPlain(found) && found.protocol != RTPROT_KERNEL && found.protocol != kernel::kProtocol;
}

// Whether they differ only in the mark that says who made them.
template <class T>
bool AreTwins(T wanted, const T& found) {
  if constexpr (requires { MayHaveTwin(found); }) {
    if (!MayHaveTwin(found)) return false;
    wanted.protocol = found.protocol;
    return kernel::SameKey(wanted, found) && netlink::Holds(found, wanted);
  }
  return false;
}

}  // namespace

Ownership::Ownership(const Desired& desired, const Snapshot& snapshot, const Record& own)
    : snapshot_(snapshot), takes_over_twins_(desired.takes_over_twins) {
  for (const Object& object : own.objects) recorded_.insert(&object);
  for (const Object& object : desired.objects) wanted_.insert(&object);
  FindForeignClaims();
}

const Object* Ownership::FindRecorded(const Object& key) const {
  const auto found = recorded_.find(&key);
  return found != recorded_.end() ? *found : nullptr;
}

bool Ownership::IsOurs(const Object& object) const {
  if (IsRecorded(object)) return true;
  // The resolver may still know of a link of this name that is gone.
  if (std::holds_alternative<kernel::DnsSetting>(object)) return true;
  if (!std::holds_alternative<kernel::WgDevice>(object) &&
      !std::holds_alternative<kernel::WgPeer>(object)) {
    return false;
  }
  kernel::Link link;
  link.index = kernel::LinkOf(object)->index;
  return IsRecorded(Object(link));
}

Status Ownership::CheckPlace(const Object& wanted, const Object* found) const {
  if (const auto* peer = std::get_if<kernel::WgPeer>(&wanted)) {
    WGNET_RETURN_IF_ERROR(CheckClaims(*peer));
  }
  if (found != nullptr && !IsOurs(wanted) && !MayTakeOver(wanted, *found)) {
    return Conflict(wanted, *found);
  }
  if (const auto* rule = std::get_if<kernel::Rule>(&wanted); rule != nullptr && found == nullptr) {
    const Object* other = FindRuleInPlaceOf(*rule);
    if (other != nullptr && !MayTakeOver(wanted, *other)) return Conflict(wanted, *other);
  }
  return {};
}

bool Ownership::MayTakeOver(const Object& wanted, const Object& found) const {
  return takes_over_twins_ &&
         std::visit([&]<class T>(const T& typed) { return AreTwins(typed, std::get<T>(found)); },
                    wanted);
}

const Object* Ownership::FindTwin(const kernel::Rule& wanted) const {
  const Object* other = FindRuleInPlaceOf(wanted);
  return other != nullptr && MayTakeOver(wanted, *other) ? other : nullptr;
}

// The allowed IPs of peers that somebody else put on a device of ours.
void Ownership::FindForeignClaims() {
  for (const Object& object : snapshot_.objects()) {
    const auto* peer = std::get_if<kernel::WgPeer>(&object);
    if (peer == nullptr || IsRecorded(object) || IsWanted(object)) continue;
    for (const Prefix& ip : *peer->allowed_ips) {
      foreign_claims_[{peer->dev->index, ip}] = *peer->public_key;
    }
  }
}

// WireGuard would take the IP from the other peer without a word.
Status Ownership::CheckClaims(const kernel::WgPeer& wanted) const {
  for (const Prefix& ip : *wanted.allowed_ips) {
    const auto claim = foreign_claims_.find({wanted.dev->index, ip});
    if (claim == foreign_claims_.end()) continue;
    return Error{
        .code = ErrorCode::kConflict,
        .message = fmt::format("{} belongs to the peer {} of {}, which is not wgnet's",
                               ip.ToString(), claim->second.ToString(), wanted.dev->name.view()),
        .where = fmt::format("Peer(\"{}\").AllowedIp", wanted.public_key->ToString()),
        .hint = "remove that peer, or have it in the node"};
  }
  return {};
}

// Which of two rules of one priority comes first is an accident.
const Object* Ownership::FindRuleInPlaceOf(const kernel::Rule& wanted) const {
  for (const Object& object : snapshot_.objects()) {
    const auto* other = std::get_if<kernel::Rule>(&object);
    if (other != nullptr && other->family == wanted.family && other->priority == wanted.priority &&
        !IsRecorded(object)) {
      return &object;
    }
  }
  return nullptr;
}

}  // namespace wgnet::plan
