// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/waves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>

#include "src/base/text.h"
#include "src/base/try.h"
#include "src/plan/kernel_error.h"

namespace wgnet::plan {
namespace {

using netlink::Bus;

// With a buffer that is not forced, a wave of peers is cut after as many.
constexpr size_t kSmallLimit = 1 << 20;
constexpr size_t kPeersOfSmallWave = 128;

const kernel::WgPeer* PeerOf(const Op& op) { return std::get_if<kernel::WgPeer>(&op.object); }

const kernel::Sysctl* SysctlOf(const Op& op) { return std::get_if<kernel::Sysctl>(&op.object); }

kernel::Edit<kernel::WgPeer> PeerEdit(const Op& op) {
  return {op.verb, *PeerOf(op), *std::get_if<kernel::WgPeer>(&op.image())};
}

// Addresses go when those that come in their place are there: a link without any loses its routes.
bool EndsAdditions(const Op& before, const Op& op) {
  return before.phase < Phase::kAddressRemoval && op.phase == Phase::kAddressRemoval;
}

// Where a wave may go on no longer: sessions are lost only after what came before was verified.
bool StartsWave(const Op& before, const Op& op) {
  return kernel::BusOf(before.object) != kernel::BusOf(op.object) ||
         LosesState(before.phase) != LosesState(op.phase) || AddsLink(before) ||
         EndsAdditions(before, op);
}

}  // namespace

class Waves::Encoder {
 public:
  Encoder(const std::vector<Op>& ops, std::optional<uint32_t> nft_generation,
          const kernel::EncodeContext& context, netlink::Client& client, Waves& waves)
      : ops_(ops),
        nft_generation_(nft_generation),
        context_(context),
        client_(client),
        waves_(waves) {}

  Status Run() {
    waves_.forward_.resize(ops_.size());
    waves_.back_.resize(ops_.size());
    waves_.undo_parts_.resize(ops_.size());
    for (size_t i = 0; i < ops_.size();) {
      WGNET_ASSIGN_OR_RETURN(i, EncodeOps(i));
    }
    WGNET_RETURN_IF_ERROR(CloseWave());
    WGNET_RETURN_IF_ERROR(CheckSpareFile());
    return EncodeUndo();
  }

 private:
  // ---- forward ----

  Wave& wave() { return waves_.waves_.back(); }

  // Encodes the op, or the run of peers that begins with it; returns the op behind.
  Result<size_t> EncodeOps(size_t first) {
    const Op& op = ops_[first];
    const Bus bus = kernel::BusOf(op.object);
    size_t last = first + 1;
    if (PeerOf(op) != nullptr) last = EndOfPeers(first);
    if (first == 0 || StartsWave(ops_[first - 1], op)) WGNET_RETURN_IF_ERROR(OpenWave(bus, first));
    if (bus == Bus::kSysctl) {
      WGNET_RETURN_IF_ERROR(OpenSettings(first));
    } else if (netlink::IsNetlink(bus) && !op.undo_only) {
      WGNET_RETURN_IF_ERROR(EncodeMessages(first, last));
    }
    wave().last_op = last;
    return last;
  }

  size_t EndOfPeers(size_t first) const {
    const bool small = client_.transport().SendLimit(Bus::kGeneric) < kSmallLimit;
    const size_t most = small ? kPeersOfSmallWave : ops_.size();
    size_t last = first + 1;
    while (last < ops_.size() && last - first < most && PeerOf(ops_[last]) != nullptr &&
           !StartsWave(ops_[last - 1], ops_[last]) &&
           PeerOf(ops_[last])->dev == PeerOf(ops_[first])->dev) {
      ++last;
    }
    return last;
  }

  Status OpenWave(Bus bus, size_t first) {
    WGNET_RETURN_IF_ERROR(CloseWave());
    waves_.waves_.push_back({bus, first, first, {}, 0});
    if (bus != Bus::kNetfilter) return {};
    netlink::MessageWriter out(wave().bytes, client_.sequence());
    kernel::PutBatchBegin(std::exchange(nft_generation_, std::nullopt), out);
    return {};
  }

  Status CloseWave() {
    if (waves_.waves_.empty() || !netlink::IsNetlink(wave().bus)) return {};
    if (wave().bus == Bus::kNetfilter) {
      netlink::MessageWriter out(wave().bytes, client_.sequence());
      kernel::PutBatchEnd(out);
    }
    if (wave().bytes.size() <= client_.transport().SendLimit(wave().bus)) return {};
    return Error{
        .code = ErrorCode::kNotSupported,
        .message =
            fmt::format("{} bytes for the kernel do not fit into a message", wave().bytes.size()),
        .hint = "in a user namespace, net.core.wmem_max bounds what one transaction holds"};
  }

  // Messages go into a buffer of their own first: they may have to begin a new wave.
  Status EncodeMessages(size_t first, size_t last) {
    message_.Clear();
    netlink::MessageWriter out(message_, client_.sequence());
    const uint32_t sequence = client_.sequence();
    size_t last_message = 0;
    if (PeerOf(ops_[first]) != nullptr) {
      last_message = EncodePeerRun(first, last, out);
    } else {
      const Op& op = ops_[first];
      kernel::Encode(op.verb, op.object, op.image(), context_, out);
      if (client_.sequence() != sequence) {
        waves_.sequences_.push_back({sequence, client_.sequence() - 1, first});
        last_message = LastMessage(message_, 0);
      }
    }
    if (!out.ok()) return TooLarge(first, out.error());
    const bool full =
        wave().bytes.size() + message_.size() > client_.transport().SendLimit(wave().bus);
    if (full && wave().bus != Bus::kNetfilter && !wave().bytes.empty()) {
      WGNET_RETURN_IF_ERROR(OpenWave(wave().bus, first));
    }
    if (message_.empty()) return {};
    wave().last_message = wave().bytes.size() + last_message;
    wave().bytes.Append(message_.data(), message_.size());
    return {};
  }

  size_t EncodePeerRun(size_t first, size_t last, netlink::MessageWriter& out) {
    std::vector<kernel::Edit<kernel::WgPeer>> edits;
    for (size_t i = first; i < last; ++i) edits.push_back(PeerEdit(ops_[i]));
    const auto places =
        kernel::EncodePeers(edits, kernel::Packing::kTogether, context_, given_, out);
    for (size_t i = first; i < last; ++i) {
      waves_.sequences_.push_back({places[i - first].first, places[i - first].last, i});
    }
    return places.back().last_message;
  }

  // Where the last message begins; there is one at `at`.
  static size_t LastMessage(const SecretBuffer& buffer, size_t at) {
    while (true) {
      nlmsghdr header;
      std::memcpy(&header, buffer.data() + at, sizeof header);
      const size_t next = at + NLMSG_ALIGN(header.nlmsg_len);
      if (next >= buffer.size()) return at;
      at = next;
    }
  }

  static Error TooLarge(size_t op, std::string_view why) {
    return {.code = ErrorCode::kNotSupported,
            .message = fmt::format("step {} does not fit into a message: {}", op + 1, why),
            .hint = "spread it over several objects: a peer's allowed IPs over several peers"};
  }

  // ---- settings ----

  Status OpenSettings(size_t index) {
    const Op& op = ops_[index];
    WGNET_RETURN_IF_ERROR(OpenWritesOf(op, index, waves_.forward_[index]));
    for (const Op& inverse : InverseOf(op)) {
      WGNET_RETURN_IF_ERROR(OpenWritesOf(inverse, index, waves_.back_[index]));
    }
    return {};
  }

  Status OpenWritesOf(const Op& op, size_t index, std::vector<SettingWrite>& writes) {
    const kernel::Sysctl& sysctl = *SysctlOf(op);
    for (const auto& [name, value] : kernel::WritesOf({op.verb, sysctl, sysctl})) {
      auto setting = FindSetting(name);
      if (!setting) {
        const int handle = client_.transport().OpenSetting(name.str().c_str(), true);
        // What a claim moved besides may be gone with its link.
        if (handle == -ENOENT && name != *sysctl.name) continue;
        if (handle < 0) return CannotWrite(index, name, value, -handle);
        setting = setting_names_.size();
        setting_names_.push_back(name);
        waves_.settings_.emplace_back(client_.transport(), handle);
      }
      writes.push_back({*setting, value});
    }
    return {};
  }

  std::optional<size_t> FindSetting(const kernel::SysctlName& name) const {
    const auto found = std::find(setting_names_.begin(), setting_names_.end(), name);
    if (found == setting_names_.end()) return std::nullopt;
    return static_cast<size_t>(found - setting_names_.begin());
  }

  Error CannotWrite(size_t index, const kernel::SysctlName& name, const kernel::SysctlText& value,
                    int error_number) const {
    const Op& op = ops_[index];
    Error error = ChangeError(op.verb, op.object, {.error_number = error_number});
    error.message = fmt::format("{} must be {} and cannot be written: {}", name.view(),
                                value.view(), std::strerror(error_number));
    error.step = static_cast<int>(index + 1);
    error.steps = static_cast<int>(ops_.size());
    error.command = CommandsOf(op, {}).front();
    return error;
  }

  // To verify, and to take back, settings are opened one by one.
  Status CheckSpareFile() {
    if (setting_names_.empty()) return {};
    const Op& op = *std::find_if(ops_.begin(), ops_.end(), [](const Op& o) { return SysctlOf(o); });
    const int handle = client_.transport().OpenSetting(setting_names_.front().str().c_str(), false);
    if (handle < 0) return ChangeError(op.verb, op.object, {.error_number = -handle});
    client_.transport().CloseSetting(handle);
    return {};
  }

  // ---- back ----

  Status EncodeUndo() {
    EncodeUndoBatchLimits();
    for (size_t i = ops_.size(); i-- > 0;) {
      if (!netlink::IsNetlink(kernel::BusOf(ops_[i].object)) || PeerOf(ops_[i]) != nullptr)
        continue;
      WGNET_RETURN_IF_ERROR(EncodeUndoOf(i));
    }
    return EncodeUndoOfPeers();
  }

  void EncodeUndoBatchLimits() {
    SecretBuffer& bytes = waves_.undo_bytes(Bus::kNetfilter);
    netlink::MessageWriter out(bytes, client_.sequence());
    kernel::PutBatchBegin(std::nullopt, out);
    waves_.undo_batch_begin_ = {0, bytes.size(), 0};
    kernel::PutBatchEnd(out);
    waves_.undo_batch_end_ = {waves_.undo_batch_begin_.end, bytes.size(), 0};
  }

  Status EncodeUndoOf(size_t index) {
    SecretBuffer& bytes = waves_.undo_bytes(kernel::BusOf(ops_[index].object));
    netlink::MessageWriter out(bytes, client_.sequence());
    Part& part = waves_.undo_parts_[index];
    part.begin = bytes.size();
    for (const Op& inverse : InverseOf(ops_[index])) {
      kernel::Encode(inverse.verb, inverse.object, inverse.image(), context_, out);
    }
    if (!out.ok()) return TooLarge(index, out.error());
    part.end = bytes.size();
    if (part.end > part.begin) part.last_message = LastMessage(bytes, part.begin);
    return {};
  }

  // All peers in one call, so that an IP which moves back is not taken away on the way.
  Status EncodeUndoOfPeers() {
    std::deque<Op> inverses;
    std::vector<kernel::Edit<kernel::WgPeer>> edits;
    std::vector<size_t> op_of;
    for (size_t i = ops_.size(); i-- > 0;) {
      if (PeerOf(ops_[i]) == nullptr) continue;
      for (Op& inverse : InverseOf(ops_[i])) {
        inverses.push_back(std::move(inverse));
        edits.push_back(PeerEdit(inverses.back()));
        op_of.push_back(i);
      }
    }
    SecretBuffer& bytes = waves_.undo_bytes(Bus::kGeneric);
    netlink::MessageWriter out(bytes, client_.sequence());
    kernel::GivenIps given;
    const auto places = kernel::EncodePeers(edits, kernel::Packing::kApart, context_, given, out);
    if (!out.ok()) return TooLarge(op_of.front(), out.error());
    for (size_t i = 0; i < places.size(); ++i) {
      Part& part = waves_.undo_parts_[op_of[i]];
      if (part.end == 0) part.begin = places[i].begin;
      part.end = places[i].end;
      part.last_message = places[i].last_message;
    }
    return {};
  }

  const std::vector<Op>& ops_;
  std::optional<uint32_t> nft_generation_;
  const kernel::EncodeContext& context_;
  netlink::Client& client_;
  Waves& waves_;
  SecretBuffer message_;
  std::vector<kernel::SysctlName> setting_names_;
  kernel::GivenIps given_;  // by the peers so far
};

Result<std::unique_ptr<Waves>> Waves::Encode(const std::vector<Op>& ops,
                                             std::optional<uint32_t> nft_generation,
                                             const kernel::EncodeContext& context,
                                             netlink::Client& client) {
  auto waves = std::make_unique<Waves>();
  WGNET_RETURN_IF_ERROR(Encoder(ops, nft_generation, context, client, *waves).Run());
  return waves;
}

std::optional<size_t> Waves::OpOf(uint32_t sequence) const {
  for (const SequenceRange& range : sequences_) {
    if (range.first <= sequence && sequence <= range.last) return range.op;
  }
  return std::nullopt;
}

netlink::Bytes Waves::MessageOf(uint32_t sequence) const {
  for (const Wave& wave : waves_) {
    for (size_t at = 0; at < wave.bytes.size();) {
      nlmsghdr header;
      std::memcpy(&header, wave.bytes.data() + at, sizeof header);
      if (header.nlmsg_seq == sequence) return wave.bytes.bytes().subspan(at, header.nlmsg_len);
      at += NLMSG_ALIGN(header.nlmsg_len);
    }
  }
  return {};
}

int Waves::WriteSettings(size_t op, bool back) {
  int error = 0;
  for (const SettingWrite& write : back ? back_[op] : forward_[op]) {
    if (const int failed = settings_[write.setting].Write(write.value.view())) error = failed;
    if (error != 0 && !back) return error;
  }
  return error;
}

}  // namespace wgnet::plan
