// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/netlink/reply_queue.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace wgnet::netlink {

void ReplyQueue::Answer(const nlmsghdr& request, int error_number, std::string_view text) {
  if (error_number == 0 && (request.nlmsg_flags & NLM_F_ACK) == 0) return;
  nlmsgerr body{};
  body.error = -error_number;
  body.msg = request;
  const auto flags = static_cast<uint16_t>(NLM_F_CAPPED | (text.empty() ? 0 : NLM_F_ACK_TLVS));
  Write(request, [&](MessageWriter& out) {
    out.Begin(NLMSG_ERROR, flags, body);
    if (!text.empty()) out.PutString(NLMSGERR_ATTR_MSG, text);
  });
}

void ReplyQueue::Done(const nlmsghdr& request) {
  Write(request, [](MessageWriter& out) { out.Begin(NLMSG_DONE, NLM_F_MULTI, int32_t{0}); });
}

ssize_t ReplyQueue::Receive(std::span<std::byte> buffer) {
  if (next_ == bytes_.size()) {
    const int lost = std::exchange(lost_, 0);
    return lost != 0 ? -lost : -EAGAIN;
  }
  size_t size = 0;
  while (next_ + size < bytes_.size()) {
    nlmsghdr header;
    std::memcpy(&header, bytes_.data() + next_ + size, sizeof header);
    const size_t length =
        std::min<size_t>(NLMSG_ALIGN(header.nlmsg_len), bytes_.size() - next_ - size);
    if (size + length > buffer.size()) break;
    size += length;
  }
  if (size == 0) {  // a message that the reader has no room for
    bytes_.Clear();
    next_ = 0;
    return -EMSGSIZE;
  }
  CopySecretBytes(buffer.data(), bytes_.data() + next_, size);
  next_ += size;
  if (next_ == bytes_.size()) {
    bytes_.Clear();
    next_ = 0;
  }
  return static_cast<ssize_t>(size);
}

}  // namespace wgnet::netlink
