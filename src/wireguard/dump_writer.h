// SPDX-License-Identifier: MIT OR Apache-2.0
// The messages of a WG_CMD_GET_DEVICE dump, of a device that the kernel does not have.
#ifndef WGNET_WIREGUARD_DUMP_WRITER_H_
#define WGNET_WIREGUARD_DUMP_WRITER_H_

#include <cstddef>
#include <cstdint>

#include "src/kernel/wg_peer.h"
#include "src/netlink/reply_queue.h"

namespace wgnet::wireguard {

/// First the device, then each peer; ReplyQueue::Done ends the dump.
class DumpWriter {
 public:
  /// A message holds at most `most_ips` allowed IPs.
  DumpWriter(const nlmsghdr& request, uint16_t family, size_t most_ips,
             netlink::ReplyQueue& replies)
      : request_(request), family_(family), most_ips_(most_ips), replies_(replies) {}

  void Device(const kernel::WgDevice& device);
  /// Where a peer's list is too long, it goes on in further messages under the key alone.
  void Peer(const kernel::WgPeer& peer);

 private:
  void Part(const kernel::WgPeer& part);

  const nlmsghdr& request_;
  uint16_t family_;
  size_t most_ips_;
  netlink::ReplyQueue& replies_;
};

}  // namespace wgnet::wireguard

#endif  // WGNET_WIREGUARD_DUMP_WRITER_H_
