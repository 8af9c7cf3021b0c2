// SPDX-License-Identifier: MIT OR Apache-2.0
// Answers to everything that is read of the kernel: datagrams, each behind its size.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "src/plan/snapshot.h"
#include "tests/fuzz/everything.h"
#include "tests/support/netlink_only_transport.h"

namespace {

using wgnet::netlink::Bus;

// In two bytes, of which the highest bit says that the sequence numbers stay as they are.
constexpr uint16_t kSizeBits = 0x7fff;

class Answers final : public wgnet::testing::NetlinkOnlyTransport {
 public:
  explicit Answers(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  int Send(Bus, std::span<const iovec> parts) override {
    nlmsghdr header;
    std::memcpy(&header, parts.front().iov_base, sizeof header);
    sequence_ = header.nlmsg_seq;
    return 0;
  }
  // An empty one is the end of what is there.
  ssize_t Receive(Bus, std::span<std::byte> buffer) override {
    uint16_t size = 0;
    if (bytes_.size() < sizeof size) return -EAGAIN;
    std::memcpy(&size, bytes_.data(), sizeof size);
    bytes_ = bytes_.subspan(sizeof size);
    const size_t taken =
        std::min({static_cast<size_t>(size & kSizeBits), bytes_.size(), buffer.size()});
    std::memcpy(buffer.data(), bytes_.data(), taken);
    bytes_ = bytes_.subspan(taken);
    if (taken == 0) return -EAGAIN;
    if ((size & ~kSizeBits) == 0) Number(buffer.first(taken));
    return static_cast<ssize_t>(taken);
  }

 private:
  void Number(std::span<std::byte> datagram) const {
    nlmsghdr header;
    while (datagram.size() >= sizeof header) {
      std::memcpy(&header, datagram.data(), sizeof header);
      header.nlmsg_seq = sequence_;
      std::memcpy(datagram.data(), &header, sizeof header);
      const size_t length = NLMSG_ALIGN(static_cast<size_t>(header.nlmsg_len));
      if (length < sizeof header || length > datagram.size()) return;
      datagram = datagram.subspan(length);
    }
  }

  std::span<const uint8_t> bytes_;
  uint32_t sequence_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const wgnet::plan::Scope scope = wgnet::fuzz::Everything();
  Answers answers({data, size});
  wgnet::netlink::Client client(answers);
  wgnet::plan::Reader reader(client, wgnet::netlink::ExtraMode::kKeep);
  static_cast<void>(wgnet::plan::Snapshot::Read(scope, reader));
  return 0;
}
