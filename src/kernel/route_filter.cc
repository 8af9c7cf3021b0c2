// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/route_filter.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace wgnet::kernel {
namespace {

// BPF has conditional jumps of 255 instructions at most.
constexpr size_t kMostRanges = 32;
constexpr size_t kMostValues = 32;

constexpr uint32_t kPass = UINT32_MAX;  // all bytes of it
constexpr uint32_t kDrop = 0;

constexpr uint32_t kTypeAt = offsetof(nlmsghdr, nlmsg_type);
constexpr uint32_t kFlagsAt = offsetof(nlmsghdr, nlmsg_flags);
constexpr uint32_t kAttributesAt = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(rtmsg));
constexpr uint32_t InRoute(size_t offset) { return static_cast<uint32_t>(NLMSG_HDRLEN + offset); }

// Destinations by their first 32 bits, both ends included.
struct Range {
  uint32_t first = 0;
  uint32_t last = 0;
};

uint32_t FirstBits(const Prefix& dst) {
  const auto bytes = dst.address().bytes();
  uint32_t bits = 0;
  for (size_t i = 0; i < sizeof bits; ++i) bits = bits << 8 | bytes[i];
  return bits;
}

// Takes together what is nearest, until there are few enough.
std::vector<Range> RangesOf(std::vector<uint32_t> bits) {
  std::sort(bits.begin(), bits.end());
  bits.erase(std::unique(bits.begin(), bits.end()), bits.end());
  std::vector<uint32_t> gaps;
  for (size_t i = 1; i < bits.size(); ++i) gaps.push_back(bits[i] - bits[i - 1]);
  std::sort(gaps.begin(), gaps.end(), std::greater<>());
  const uint32_t widest = gaps.size() >= kMostRanges ? gaps[kMostRanges - 1] : 0;
  std::vector<Range> ranges;
  for (const uint32_t each : bits) {
    if (!ranges.empty() && each - ranges.back().last <= widest) {
      ranges.back().last = each;
    } else {
      ranges.push_back({each, each});
    }
  }
  return ranges;
}

// The number of the attribute that the member's row has.
template <class Value>
uint16_t AttributeOf(std::optional<Value> Route::*member) {
  uint16_t attribute = netlink::kNoAttribute;
  netlink::ForEachRow<Route>([&](const auto& row) {
    if constexpr (std::is_same_v<decltype(row.member), std::optional<Value> Route::*>) {
      if (row.member == member) attribute = row.attribute;
    }
  });
  return attribute;
}

class Program {
 public:
  void Load(uint16_t size, uint32_t at) { Put(BPF_LD | BPF_ABS | size, at); }
  void Return(uint32_t value) { Put(BPF_RET | BPF_K, value); }
  // Returns `value` if the accumulator compares so, and goes on else.
  void ReturnIf(uint16_t comparison, uint32_t with, uint32_t value) {
    Put(BPF_JMP | BPF_K | comparison, with, 0, 1);
    Return(value);
  }
  void ReturnUnless(uint16_t comparison, uint32_t with, uint32_t value) {
    Put(BPF_JMP | BPF_K | comparison, with, 1, 0);
    Return(value);
  }
  // Goes on if the accumulator has one of the values, and drops the message else.
  void DropUnlessAnyOf(const std::vector<uint32_t>& values) {
    for (size_t i = 0; i < values.size(); ++i) {
      const size_t to_end = values.size() - i;  // over the remaining ones, and the drop
      Put(BPF_JMP | BPF_K | BPF_JEQ, values[i], static_cast<uint8_t>(to_end), 0);
    }
    Return(kDrop);
  }
  // The first 32 bits of an attribute, in host order; 0 where there is none.
  void LoadAttribute(uint16_t attribute) {
    Put(BPF_LDX | BPF_IMM, attribute);
    Put(BPF_LD | BPF_IMM, kAttributesAt);
    Put(BPF_LD | BPF_ABS | BPF_W, static_cast<uint32_t>(SKF_AD_OFF + SKF_AD_NLATTR));
    Put(BPF_JMP | BPF_K | BPF_JEQ, 0, 2, 0);
    Put(BPF_MISC | BPF_TAX, 0);
    Put(BPF_LD | BPF_IND | BPF_W, NLA_HDRLEN);
  }
  size_t size() const { return instructions_.size(); }
  // An instruction that skips what is put before EndSkip, unless the accumulator has the value.
  size_t BeginSkipUnless(uint32_t value) {
    Put(BPF_JMP | BPF_K | BPF_JEQ, value, 0, 0);
    return instructions_.size();
  }
  void EndSkip(size_t begin) {
    instructions_[begin - 1].jf = static_cast<uint8_t>(instructions_.size() - begin);
  }
  std::vector<sock_filter> Take() { return std::move(instructions_); }

 private:
  void Put(int code, uint32_t value, uint8_t if_true = 0, uint8_t if_false = 0) {
    instructions_.push_back({static_cast<uint16_t>(code), if_true, if_false, value});
  }

  std::vector<sock_filter> instructions_;
};

template <class Of>
std::vector<uint32_t> Distinct(std::span<const Route> routes, const Of& of) {
  std::vector<uint32_t> values;
  for (const Route& route : routes) values.push_back(of(route));
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

// As rtm_table has it.
uint32_t HeaderTable(const Route& route) {
  return *route.table < 256 ? *route.table : static_cast<uint32_t>(RT_TABLE_COMPAT);
}

void PassNear(std::span<const Route> ours, Family family, Program& program) {
  std::vector<uint32_t> bits;
  for (const Route& route : ours) {
    if (route.dst->family() == family) bits.push_back(FirstBits(*route.dst));
  }
  const size_t begin = program.BeginSkipUnless(netlink::ToAf(family));
  program.LoadAttribute(AttributeOf(&Route::dst));
  for (const Range& range : RangesOf(std::move(bits))) {  // in their order
    program.ReturnUnless(BPF_JGE, range.first, kDrop);
    program.ReturnUnless(BPF_JGT, range.last, kPass);
  }
  program.Return(kDrop);
  program.EndSkip(begin);
}

}  // namespace

std::vector<sock_filter> RouteFilter(std::span<const Route> ours) {
  const auto protocols =
      Distinct(ours, [](const Route& route) -> uint32_t { return route.protocol.value_or(0); });
  const auto tables = Distinct(ours, HeaderTable);
  Program program;
  // Loads are in network order.
  program.Load(BPF_H, kTypeAt);
  const auto is_route = [](uint16_t type) { return uint32_t{htons(type)}; };
  const size_t begin = program.BeginSkipUnless(is_route(netlink::Schema<Route>::kDelete));
  program.Load(BPF_B, InRoute(offsetof(rtmsg, rtm_protocol)));
  program.DropUnlessAnyOf(protocols);
  program.Return(kPass);
  program.EndSkip(begin);
  program.ReturnUnless(BPF_JEQ, is_route(netlink::Schema<Route>::kNew), kPass);
  program.Load(BPF_B, InRoute(offsetof(rtmsg, rtm_protocol)));
  for (const uint32_t protocol : protocols) program.ReturnIf(BPF_JEQ, protocol, kPass);
  program.Load(BPF_H, kFlagsAt);
  program.ReturnUnless(BPF_JSET, htons(NLM_F_REPLACE), kDrop);
  program.Load(BPF_B, InRoute(offsetof(rtmsg, rtm_table)));
  if (tables.size() <= kMostValues) program.DropUnlessAnyOf(tables);
  program.Load(BPF_B, InRoute(offsetof(rtmsg, rtm_dst_len)));
  const auto lengths =
      Distinct(ours, [](const Route& route) { return static_cast<uint32_t>(route.dst->length()); });
  if (lengths.size() <= kMostValues) program.DropUnlessAnyOf(lengths);
  program.Load(BPF_B, InRoute(offsetof(rtmsg, rtm_family)));
  PassNear(ours, Family::kIpv4, program);
  PassNear(ours, Family::kIpv6, program);
  program.Return(kDrop);
  return program.Take();
}

}  // namespace wgnet::kernel
