// SPDX-License-Identifier: MIT OR Apache-2.0
// A build without nftables: plans that need it are refused before anything is written.
#include "src/kernel/nft_backend.h"

namespace wgnet::kernel::nft {

bool BackendAvailable() { return false; }

void PutInstructions(std::span<const Instruction>, netlink::MessageWriter&) {}

}  // namespace wgnet::kernel::nft
