// SPDX-License-Identifier: MIT OR Apache-2.0
// Any kernel object, and the walks over its rows without its type.
#ifndef WGNET_KERNEL_OBJECT_H_
#define WGNET_KERNEL_OBJECT_H_

#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>

#include "src/kernel/address.h"
#include "src/kernel/dns_setting.h"
#include "src/kernel/link.h"
#include "src/kernel/nft_chain.h"
#include "src/kernel/nft_set.h"
#include "src/kernel/nft_table.h"
#include "src/kernel/route.h"
#include "src/kernel/rule.h"
#include "src/kernel/sysctl.h"
#include "src/kernel/wg_device.h"
#include "src/kernel/wg_peer.h"

namespace wgnet::kernel {

using Object = std::variant<Link, Address, Route, Rule, WgDevice, WgPeer, NftTable, NftChain,
                            NftSet, NftElement, Sysctl, DnsSetting>;

std::string_view KindOf(const Object& object);
Bus BusOf(const Object& object);

bool SameKey(const Object& a, const Object& b);
size_t HashKey(const Object& object);
/// Whether `actual` has everything that `expected` states and that may be compared. Both are of
/// one kind.
bool Holds(const Object& actual, const Object& expected);

/// For maps by key.
struct KeyHash {
  using is_transparent = void;
  size_t operator()(const Object& object) const { return HashKey(object); }
  size_t operator()(const Object* object) const { return HashKey(*object); }
};
struct KeyEqual {
  using is_transparent = void;
  bool operator()(const Object& a, const Object& b) const { return SameKey(a, b); }
  bool operator()(const Object* a, const Object* b) const { return SameKey(*a, *b); }
};

/// Objects that live elsewhere, to be found by key.
using KeySet = std::unordered_set<const Object*, KeyHash, KeyEqual>;

/// The link that the object hangs on, or is; null where it hangs on none.
const LinkRef* LinkOf(const Object& object);

/// The nftables table that the object is in; nothing for what is in none.
std::optional<NftTable> TableOf(const Object& object);
/// Whether it is in this one.
bool IsInTable(const NftTable& table, const Object& object);

/// The JSON name of the row with this attribute; empty where no row has it.
std::string_view AttributeName(const Object& object, uint16_t attribute);
/// The size of the family header of the object's messages.
size_t HeaderSizeOf(const Object& object);

void WriteJsonMembers(const Object& object, Secrets secrets, JsonWriter& out);

/// One change without its type; `before` is the same as `object` but for Verb::kChange.
Commands CommandsOf(Verb verb, const Object& object, const Object& before,
                    const netlink::SecretWord& secret);
/// Peers go by EncodePeers, sysctls by WritesOf, name servers by a DnsSystem.
void Encode(Verb verb, const Object& object, const Object& before, const EncodeContext& context,
            netlink::MessageWriter& out);

}  // namespace wgnet::kernel

#endif  // WGNET_KERNEL_OBJECT_H_
