// SPDX-License-Identifier: MIT OR Apache-2.0
// The protocol that userspace implementations of WireGuard speak, as text
// (https://www.wireguard.com/xplatform/). It opens no socket.
#ifndef WGNET_WIREGUARD_UAPI_H_
#define WGNET_WIREGUARD_UAPI_H_

#include <functional>
#include <string_view>

#include "src/base/secret_memory.h"
#include "src/kernel/wg_peer.h"
#include "src/netlink/message.h"

namespace wgnet::wireguard {

/// Asks for the device and its peers.
inline constexpr std::string_view kGetRequest = "get=1\n\n";

/// The most bytes of an answer: some 300,000 peers.
inline constexpr size_t kMostAnswer = 128 << 20;

/// Appends the `set=1` request that says what the attributes of a WG_CMD_SET_DEVICE message say, in
/// the order in which the kernel works on them. 0; EINVAL: an attribute is malformed; EOPNOTSUPP:
/// there is a flag that the protocol cannot say.
int EncodeSet(netlink::Bytes attributes, SecretBuffer& text);

/// What ends a request, and an answer: an empty line.
inline constexpr std::string_view kEnd = "\n\n";

/// Reads the answer to a `set=1`: 0 or an errno. EBADMSG: it is none.
int ReadSetAnswer(std::string_view answer);

/// Reads the answer to a `get=1`: calls `visit_device`, then `visit_peer` for each peer; both are
/// valid during the call, and lack a `dev`. What the answer leaves out is zero there, as in a dump
/// of the kernel. Keys that it does not know are passed over. 0 or an errno, which may come after
/// peers were visited; EBADMSG: it is malformed.
int ReadGetAnswer(std::string_view answer,
                  const std::function<void(const kernel::WgDevice&)>& visit_device,
                  const std::function<void(const kernel::WgPeer&)>& visit_peer);

}  // namespace wgnet::wireguard

#endif  // WGNET_WIREGUARD_UAPI_H_
