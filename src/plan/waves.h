// SPDX-License-Identifier: MIT OR Apache-2.0
// A plan as bytes: the waves that carry it out, and for each op the messages that take it back.
#ifndef WGNET_PLAN_WAVES_H_
#define WGNET_PLAN_WAVES_H_

#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/secret_memory.h"
#include "src/netlink/client.h"
#include "src/plan/op.h"
#include "wgnet/error.h"

namespace wgnet::plan {

/// A setting that is open for reading and writing.
class OpenSetting {
 public:
  OpenSetting(netlink::Transport& transport, int handle)
      : transport_(&transport), handle_(handle) {}
  OpenSetting(OpenSetting&& other) noexcept
      : transport_(other.transport_), handle_(std::exchange(other.handle_, -1)) {}
  OpenSetting& operator=(OpenSetting&&) = delete;
  ~OpenSetting() {
    if (handle_ >= 0) transport_->CloseSetting(handle_);
  }
  int Write(std::string_view value) { return transport_->WriteSetting(handle_, value); }

 private:
  netlink::Transport* transport_;
  int handle_;
};

/// Ops that go to the kernel in one system call; settings, in one for each write.
struct Wave {
  netlink::Bus bus;
  size_t first_op;
  size_t last_op;  // one behind
  SecretBuffer bytes;
  size_t last_message = 0;  // the one that is acknowledged: the last that belongs to an op
};

/// Bytes of a buffer, and the message in them that is acknowledged.
struct Part {
  size_t begin = 0;
  size_t end = 0;
  size_t last_message = 0;
};

inline iovec PartOf(SecretBuffer& bytes, size_t begin, size_t end) {
  return {bytes.data() + begin, end - begin};
}
inline nlmsghdr& MessageAt(SecretBuffer& bytes, size_t at) {
  return *reinterpret_cast<nlmsghdr*>(bytes.data() + at);
}

class Waves {
 public:
  /// Encodes everything, and opens every setting that is written. What the kernel, or this process,
  /// cannot take is an error.
  static Result<std::unique_ptr<Waves>> Encode(const std::vector<Op>& ops,
                                               std::optional<uint32_t> nft_generation,
                                               const kernel::EncodeContext& context,
                                               netlink::Client& client);

  std::vector<Wave>& waves() { return waves_; }

  /// The op whose messages hold this sequence number.
  std::optional<size_t> OpOf(uint32_t sequence) const;
  /// The op's message of that number, and its bytes; empty if there is none.
  netlink::Bytes MessageOf(uint32_t sequence) const;

  /// Writes what a setting's op says, forward or back. 0 or an errno.
  int WriteSettings(size_t op, bool back);

  /// The messages that take an op back; an empty part where there are none to send.
  const Part& UndoOf(size_t op) const { return undo_parts_[op]; }
  SecretBuffer& undo_bytes(netlink::Bus bus) { return undo_bytes_[static_cast<size_t>(bus)]; }
  /// What opens and closes an nftables batch that takes ops back.
  const Part& undo_batch_begin() const { return undo_batch_begin_; }
  const Part& undo_batch_end() const { return undo_batch_end_; }

 private:
  class Encoder;
  struct SettingWrite {
    size_t setting;
    kernel::SysctlText value;
  };
  struct SequenceRange {
    uint32_t first;
    uint32_t last;
    size_t op;
  };

  std::vector<Wave> waves_;
  std::vector<SequenceRange> sequences_;  // ascending
  std::vector<Part> undo_parts_;          // by op
  std::array<SecretBuffer, netlink::kNetlinkBuses> undo_bytes_;
  Part undo_batch_begin_;
  Part undo_batch_end_;
  std::vector<OpenSetting> settings_;
  std::vector<std::vector<SettingWrite>> forward_;  // by op
  std::vector<std::vector<SettingWrite>> back_;
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_WAVES_H_
