// SPDX-License-Identifier: MIT OR Apache-2.0
// What rules of nftables, anybody's, do with the mark of a packet.
#ifndef WGNET_KERNEL_NFT_MARK_H_
#define WGNET_KERNEL_NFT_MARK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "src/kernel/nft_rule.h"

namespace wgnet::kernel::nft {

struct MarkUse {
  enum class Kind : uint8_t {
    kIs,      // it looks for packets whose bits under the mask are the value
    kHasAny,  // for those with any bit under the mask
    kBecomes  // it makes the bits under the mask the value
  };
  Kind kind;
  uint32_t value;
  uint32_t mask;
  bool operator==(const MarkUse&) const = default;
};

/// Whether the rule takes a packet with this mark, which is not 0, for one of its own, or gives it
/// to packets that had none.
bool Concerns(const MarkUse& use, uint32_t mark);
/// "looks for 0x4000/0x4000"
std::string TextOf(const MarkUse& use);

/// As far as its instructions tell, those of nft(8) and those of iptables-nft(8): a mark that is
/// looked up in a set, copied from somewhere, or of a range, is none.
std::vector<MarkUse> MarkUsesOf(netlink::Bytes expressions);

}  // namespace wgnet::kernel::nft

#endif  // WGNET_KERNEL_NFT_MARK_H_
