// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/endpoints.h"

#include <fmt/format.h>

#include "src/base/text.h"

namespace wgnet::plan {
namespace {

// Of fe80::1%eth0.
std::string ZoneOf(const Endpoint& endpoint) {
  const size_t percent = endpoint.host().find('%');
  return percent == std::string::npos ? "" : endpoint.host().substr(percent + 1);
}

}  // namespace

std::string HostOf(const Endpoint& endpoint) {
  return endpoint.host().substr(0, endpoint.host().find('%'));
}

bool HasName(const Endpoint& endpoint) { return !IpAddress::Parse(HostOf(endpoint)).ok(); }

const HostAnswer* AnswerFor(const Endpoint& endpoint, const Hosts& hosts) {
  const auto found = hosts.find(HostOf(endpoint));
  return found != hosts.end() ? &found->second : nullptr;
}

Error Unresolved(const Endpoint& endpoint, const HostAnswer& answer, std::string where) {
  return {.code = ErrorCode::kUnresolved,
          .message = fmt::format("the host {} cannot be looked up: {}",
                                 QuoteForMessage(HostOf(endpoint)), answer.reason),
          .where = std::move(where),
          .hint = "give an address, or see that the name resolves"};
}

std::string UnresolvedWarning(const Error& unresolved) {
  return unresolved.where + ": " + unresolved.message;
}

Result<kernel::SocketAddress> AddressOf(const Endpoint& endpoint, const IpAddress& address,
                                        const FindLinkIndex& find_link) {
  const std::string zone = ZoneOf(endpoint);
  kernel::SocketAddress socket{address, endpoint.port(), 0};
  if (zone.empty()) return socket;
  const auto by_name = find_link(zone);
  const auto index = ParseDecimal(zone, UINT32_MAX);
  if (!by_name && !index) {
    return Error{.code = ErrorCode::kNotFound,
                 .message = "the endpoint " + QuoteForMessage(endpoint.ToString()) +
                            " names an interface that does not exist",
                 .hint = "what stands behind the % is the name or the index of a link"};
  }
  socket.scope_id = by_name ? *by_name : static_cast<uint32_t>(*index);
  return socket;
}

GivenEndpoints::GivenEndpoints(const Record& alive) {
  for (const EndpointName& name : alive.names) {
    given_[{name.link, name.peer}].endpoint = name.endpoint;
  }
  if (given_.empty()) return;
  for (const kernel::Object& object : alive.objects) {
    const auto* peer = std::get_if<kernel::WgPeer>(&object);
    if (peer == nullptr) continue;
    const auto named = given_.find({peer->dev->index, *peer->public_key});
    if (named != given_.end()) named->second.address = peer->endpoint;
  }
}

const kernel::SocketAddress* GivenEndpoints::Find(uint32_t link, const PublicKey& peer,
                                                  const Endpoint& endpoint) const {
  const auto found = given_.find({link, peer});
  if (found == given_.end() || !found->second.address) return nullptr;
  return found->second.endpoint == endpoint.ToString() ? &*found->second.address : nullptr;
}

}  // namespace wgnet::plan
