// SPDX-License-Identifier: MIT OR Apache-2.0
// What an owner has in the kernel, as a file: it decides what is the owner's, and what a change or
// a removal puts back. It holds no keys: one that was stated is read as zero.
#ifndef WGNET_PLAN_RECORD_H_
#define WGNET_PLAN_RECORD_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/kernel/object.h"
#include "wgnet/error.h"

namespace wgnet::plan {

/// A setting that the owner needs to have a value. Others may need it, too; the last to go puts the
/// original back.
struct Claim {
  kernel::SysctlSetting setting;
  kernel::SysctlText original;                   // the value before the first owner's claim
  std::vector<kernel::SysctlSetting> footprint;  // what the claim moved besides, with old values
  bool operator==(const Claim&) const = default;
};

/// A number that was chosen for the owner and stays, such as a rule's priority.
struct Allocation {
  std::string name;  // what it is for
  uint32_t value = 0;
  bool operator==(const Allocation&) const = default;
};

/// A peer's endpoint as it was given by name: HOST:PORT. Its address is the peer's.
struct EndpointName {
  uint32_t link = 0;
  PublicKey peer;
  std::string endpoint;
};

struct Record {
  std::string owner;
  std::vector<kernel::Object> objects;
  std::vector<Claim> claims;
  std::vector<Allocation> allocations;
  std::vector<EndpointName> names;
  uint64_t transaction = 0;  // a number of the one that wrote it
  uint64_t node_number = 0;  // of the node that it is of: recovery may have taken a part away

  bool empty() const { return objects.empty() && claims.empty(); }
  const Claim* FindClaim(const kernel::SysctlName& name) const;
  std::optional<uint32_t> FindAllocation(std::string_view name) const;
};

/// The recorded links that are gone, or whose numbers somebody else's links have by now.
std::vector<uint32_t> LostLinks(const Record& record, std::span<const kernel::Link> links);

/// The record without links that are gone, or whose numbers somebody else's links have by now, and
/// without what hung on them.
Record WithoutLost(Record record, std::span<const kernel::Link> links);

/// The file's bytes: a header with a version and a checksum, then named values; a reader skips
/// names that it does not know.
std::string EncodeRecord(const Record& record);
/// The same but for the numbers of the transaction and the node.
std::string ContentsOf(Record record);
/// The header before a body.
std::string SealRecord(std::string_view body);
Result<Record> DecodeRecord(std::string_view bytes);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_RECORD_H_
