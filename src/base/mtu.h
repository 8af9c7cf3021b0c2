// SPDX-License-Identifier: MIT OR Apache-2.0
// The smallest packets that a link must carry whole.
#ifndef WGNET_BASE_MTU_H_
#define WGNET_BASE_MTU_H_

namespace wgnet {

inline constexpr int kIpv4MinimumMtu = 68;    // RFC 791, section 3.2
inline constexpr int kIpv6MinimumMtu = 1280;  // RFC 8200, section 5

}  // namespace wgnet

#endif  // WGNET_BASE_MTU_H_
