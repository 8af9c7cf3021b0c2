// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/netlink/message.h"

#include <libmnl/libmnl.h>

namespace wgnet::netlink {
namespace {

constexpr size_t kMostAttribute = UINT16_MAX;  // nla_len is 16 bits, and counts its own header

}  // namespace

void MessageWriter::BeginMessage(uint16_t type, uint16_t flags, const void* header, size_t size) {
  if (!ok()) return;
  message_ = out_.size();
  out_.Resize(message_ + MNL_NLMSG_HDRLEN + MNL_ALIGN(size));
  nlmsghdr* message = mnl_nlmsg_put_header(out_.data() + message_);
  message->nlmsg_type = type;
  message->nlmsg_flags = static_cast<uint16_t>(flags | NLM_F_REQUEST);
  message->nlmsg_seq = sequence_++;
  std::memcpy(mnl_nlmsg_put_extra_header(message, size), header, size);
}

// Room for an attribute, with its header.
std::byte* MessageWriter::PutHeader(uint16_t attribute, size_t size) {
  const nlattr header{static_cast<uint16_t>(MNL_ATTR_HDRLEN + size), attribute};
  out_.Resize(out_.size() + MNL_ALIGN(header.nla_len));
  std::byte* at = out_.data() + message_ + message().nlmsg_len;
  std::memcpy(at, &header, sizeof header);
  message().nlmsg_len += MNL_ALIGN(header.nla_len);
  return at + sizeof header;
}

void MessageWriter::Put(uint16_t attribute, const void* data, size_t size) {
  if (!ok()) return;
  if (size > kMostAttribute - MNL_ATTR_HDRLEN) {
    error_ = "an attribute is longer than 64 KiB";
    return;
  }
  CopySecretBytes(PutHeader(attribute, size), data, size);
}

void MessageWriter::PutString(uint16_t attribute, std::string_view text) {
  if (!ok()) return;
  if (text.size() > kMostAttribute - MNL_ATTR_HDRLEN - 1) {
    error_ = "a string is longer than 64 KiB";
    return;
  }
  std::byte* const value = PutHeader(attribute, text.size() + 1);
  if (!text.empty()) std::memcpy(value, text.data(), text.size());
}

void MessageWriter::PutRaw(Bytes attributes) {
  if (!ok()) return;
  out_.Append(attributes.data(), attributes.size());
  out_.Resize(MNL_ALIGN(out_.size()));
  message().nlmsg_len = static_cast<uint32_t>(message_size());
}

size_t MessageWriter::BeginNest(uint16_t attribute) {
  const size_t start = out_.size();
  Put(static_cast<uint16_t>(attribute | NLA_F_NESTED), nullptr, 0);
  return start;
}

void MessageWriter::EndNest(size_t start) {
  if (!ok()) return;
  const size_t length = out_.size() - start;
  if (length > kMostAttribute) {
    error_ = "a nested attribute is longer than 64 KiB";
    return;
  }
  reinterpret_cast<nlattr*>(out_.data() + start)->nla_len = static_cast<uint16_t>(length);
}

nlmsghdr* MessageWriter::PrepareExtend(size_t most) {
  out_.Resize(out_.size() + most);
  return &message();
}

void MessageWriter::FinishExtend() { out_.Resize(message_ + message().nlmsg_len); }

void MessageWriter::Truncate(size_t size) {
  if (!ok()) return;
  out_.Resize(size);
  message().nlmsg_len = static_cast<uint32_t>(message_size());
}

}  // namespace wgnet::netlink
