// SPDX-License-Identifier: MIT OR Apache-2.0
// What the reader's program reads, and the writer of its seeds.
#ifndef WGNET_TESTS_FUZZ_EVERYTHING_H_
#define WGNET_TESTS_FUZZ_EVERYTHING_H_

#include "src/plan/reader.h"

namespace wgnet::fuzz {

inline plan::Scope Everything() {
  plan::Scope scope;
  scope.links = scope.rules = scope.base_chains = scope.tables = true;
  scope.route_protocol = 87;
  scope.address_links = scope.route_links = scope.devices = {149, 150};
  scope.route_tables = {{Family::kIpv4, 254}, {Family::kIpv6, 51820}};
  scope.nft_tables = {{kernel::nft::TableFamily::kInet, kernel::NftName("wgnet-owner")}};
  return scope;
}

}  // namespace wgnet::fuzz

#endif  // WGNET_TESTS_FUZZ_EVERYTHING_H_
