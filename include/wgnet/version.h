// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_VERSION_H_
#define WGNET_VERSION_H_

#define WGNET_VERSION_MAJOR 0
#define WGNET_VERSION_MINOR 1
#define WGNET_VERSION_PATCH 0
#define WGNET_VERSION "0.1.0"

namespace wgnet {

/// The version of the library that runs, e.g. "0.1.0".
const char* Version();

/// How this build writes nftables rules: "libnftnl", which makes the linked whole GPL, or "off".
const char* NftBackend();

}  // namespace wgnet

#endif  // WGNET_VERSION_H_
