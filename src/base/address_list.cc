// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/base/address_list.h"

#include <netdb.h>
#include <netinet/in.h>

#include <memory>

namespace wgnet {
namespace {

// Those that wg(8) takes for final.
bool IsFinal(int error) {
  return error == EAI_NONAME || error == EAI_FAIL
#ifdef EAI_NODATA
         || error == EAI_NODATA
#endif
      ;
}

}  // namespace

std::optional<IpAddress> AddressIn(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return IpAddress(std::span(reinterpret_cast<const uint8_t*>(&v4.sin_addr), 4));
  }
  if (address.sa_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    return IpAddress(std::span(reinterpret_cast<const uint8_t*>(&v6.sin6_addr), 16));
  }
  return std::nullopt;
}

HostAnswer AskLibc(const std::string& host, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_protocol = IPPROTO_UDP;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found)) {
    const auto kind = IsFinal(error) ? HostAnswer::Kind::kNone : HostAnswer::Kind::kTryAgain;
    return {.kind = kind, .reason = gai_strerror(error)};
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  HostAnswer answer{.kind = HostAnswer::Kind::kFound};
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    if (const auto address = AddressIn(*entry->ai_addr)) answer.addresses.push_back(*address);
  }
  return answer;
}

}  // namespace wgnet
