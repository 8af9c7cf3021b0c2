// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/version.h"

#include "src/kernel/nft_backend.h"

namespace wgnet {

const char* Version() { return WGNET_VERSION; }

const char* NftBackend() { return kernel::nft::BackendAvailable() ? "libnftnl" : "off"; }

}  // namespace wgnet
