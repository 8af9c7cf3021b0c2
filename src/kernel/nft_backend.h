// SPDX-License-Identifier: MIT OR Apache-2.0
// The seam behind which instructions become bytes; one implementation is linked.
#ifndef WGNET_KERNEL_NFT_BACKEND_H_
#define WGNET_KERNEL_NFT_BACKEND_H_

#include <span>

#include "src/kernel/nft_expression.h"
#include "src/netlink/message.h"

namespace wgnet::kernel::nft {

/// Whether this build can write rules (WGNET_NFT is not "off").
bool BackendAvailable();

/// Puts NFTA_RULE_EXPRESSIONS into the current message.
void PutInstructions(std::span<const Instruction> instructions, netlink::MessageWriter& out);

}  // namespace wgnet::kernel::nft

#endif  // WGNET_KERNEL_NFT_BACKEND_H_
