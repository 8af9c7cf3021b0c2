// SPDX-License-Identifier: MIT OR Apache-2.0
// From an endpoint's host to the address that the kernel is given.
#ifndef WGNET_PLAN_ENDPOINTS_H_
#define WGNET_PLAN_ENDPOINTS_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "src/plan/look_up.h"
#include "src/plan/record.h"
#include "wgnet/error.h"
#include "wgnet/types.h"

namespace wgnet::plan {

/// The endpoint's host without a zone: what is looked up.
std::string HostOf(const Endpoint& endpoint);
/// Whether the host is a name, not an address.
bool HasName(const Endpoint& endpoint);

/// The answer for the endpoint's host, if it was looked up.
const HostAnswer* AnswerFor(const Endpoint& endpoint, const Hosts& hosts);
/// That the host of an endpoint, which stands at `where`, was looked up in vain.
Error Unresolved(const Endpoint& endpoint, const HostAnswer& answer, std::string where);
/// The same where that is no error.
std::string UnresolvedWarning(const Error& unresolved);

/// The index of the link of that name.
using FindLinkIndex = std::function<std::optional<uint32_t>(std::string_view name)>;

/// The endpoint with an address of its host's. A zone is the name or the index of a link.
Result<kernel::SocketAddress> AddressOf(const Endpoint& endpoint, const IpAddress& address,
                                        const FindLinkIndex& find_link);

/// The endpoints that the kernel was given by name. A plan does not look such a name up again: the
/// kernel may have learned another address, and Reresolve is there for peers that are silent.
class GivenEndpoints {
 public:
  GivenEndpoints() = default;
  /// `alive` has no lost links.
  explicit GivenEndpoints(const Record& alive);
  /// The address that the peer was given for this endpoint, or null.
  const kernel::SocketAddress* Find(uint32_t link, const PublicKey& peer,
                                    const Endpoint& endpoint) const;

 private:
  struct Given {
    std::string endpoint;
    std::optional<kernel::SocketAddress> address;
  };
  std::map<std::pair<uint32_t, PublicKey>, Given> given_;
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_ENDPOINTS_H_
