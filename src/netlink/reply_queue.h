// SPDX-License-Identifier: MIT OR Apache-2.0
// Replies in the kernel's form, from what answers in its place.
#ifndef WGNET_NETLINK_REPLY_QUEUE_H_
#define WGNET_NETLINK_REPLY_QUEUE_H_

#include <sys/types.h>

#include <span>
#include <string_view>

#include "src/base/secret_memory.h"
#include "src/netlink/message.h"

namespace wgnet::netlink {

class ReplyQueue {
 public:
  /// NLMSG_ERROR: an errno, with a sentence if there is one; 0 acknowledges, where the request asks
  /// for that.
  void Answer(const nlmsghdr& request, int error_number, std::string_view text = {});
  /// `fill(MessageWriter&)` writes messages that carry the request's sequence.
  template <class Fill>
  void Write(const nlmsghdr& request, Fill&& fill) {
    uint32_t sequence = request.nlmsg_seq;
    MessageWriter out(bytes_, sequence);
    fill(out);
  }
  /// The end of a dump.
  void Done(const nlmsghdr& request);
  /// A datagram, or its loss, as it came from the kernel.
  void Append(Bytes datagram) { bytes_.Append(datagram.data(), datagram.size()); }
  void Lose(int error_number) { lost_ = error_number; }

  bool empty() const { return next_ == bytes_.size() && lost_ == 0; }
  /// As Transport::Receive: as many whole messages as fit.
  ssize_t Receive(std::span<std::byte> buffer);

 private:
  SecretBuffer bytes_;
  size_t next_ = 0;
  int lost_ = 0;
};

}  // namespace wgnet::netlink

#endif  // WGNET_NETLINK_REPLY_QUEUE_H_
