// SPDX-License-Identifier: MIT OR Apache-2.0
// The resolver of this machine.
#ifndef WGNET_DNS_HOST_H_
#define WGNET_DNS_HOST_H_

#include <memory>
#include <string>

#include "src/base/dns_system.h"
#include "wgnet/process.h"

namespace wgnet::dns {

/// Whose links are told of.
struct Namespace {
  std::string id;      // no other has it
  std::string name;    // of ip-netns(8), or ""
  bool is_own = true;  // of this process
};

std::unique_ptr<DnsSystem> HostResolver(Namespace netns, std::shared_ptr<ProcessRunner> runner);

}  // namespace wgnet::dns

#endif  // WGNET_DNS_HOST_H_
