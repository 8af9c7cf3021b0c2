// SPDX-License-Identifier: MIT OR Apache-2.0
// Taking over interfaces that nobody has recorded, such as those of wg-quick(8).
#ifndef WGNET_PLAN_ADOPTION_H_
#define WGNET_PLAN_ADOPTION_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "src/plan/lowering.h"
#include "src/plan/reader.h"
#include "src/plan/record.h"

namespace wgnet::plan {

/// The owner's record, as if he had made those of `interfaces` that exist, are WireGuard's and
/// nobody's, with all that wg-quick(8) makes for one: device and peers, addresses, routes to
/// allowed IPs, the two rules of a full tunnel in each family, and nftables tables. A diff from
/// there on changes what differs, and removes what is not wanted.
Result<Record> Adopt(std::span<const std::string> interfaces, Record own,
                     std::span<const Record> others, Reader& reader);

/// Has the endpoints of adopted peers that are in a session at `now`, in seconds since 1970, count
/// as those that are wanted: they are where the peer was heard last, and setting them would lead
/// packets elsewhere. Returns a warning for each.
std::vector<std::string> KeepLiveEndpoints(const Desired& desired, int64_t now, Record& own);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_ADOPTION_H_
