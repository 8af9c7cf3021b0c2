// SPDX-License-Identifier: MIT OR Apache-2.0
// A node of more than 200 steps, with all that a node can have, on a host with a plain resolv.conf;
// and what may be said of a transaction's end.
#ifndef WGNET_TESTS_SUPPORT_REFERENCE_H_
#define WGNET_TESTS_SUPPORT_REFERENCE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/scenario.h"
#include "tests/support/world.h"

namespace wgnet::testing {

/// Two interfaces, 20 peers, both families, a full tunnel, NAT, forwarding, a kill switch,
/// settings, name servers. The other one is different in every layer.
Node ReferenceNode();
Node OtherReferenceNode();

/// Apply, change, delete.
std::vector<Scenario> ReferenceScenarios();

/// What a transaction came to: exactly the state after, exactly the one before, or an error that
/// names all that is left over.
enum class Ending : uint8_t { kAfter, kBefore, kLeftovers };

/// A host in a namespace of its own, with an uplink and a resolv.conf. Many transactions run there,
/// one after another.
class ReferenceWorld {
 public:
  /// Applies the scenario's node before; and the one after, once, to see what it comes to.
  explicit ReferenceWorld(const Scenario& scenario);
  /// What went wrong there.
  const std::string& failure() const { return failure_; }

  Host& host() { return *host_; }
  const Node& before() const { return scenario_.before; }
  const Node& after() const { return scenario_.after; }

  /// How many steps, messages and replies there are from the one to the other.
  size_t ops() const { return ops_; }
  size_t messages() const { return messages_; }
  size_t replies() const { return replies_; }

  /// Which ending this is; an error if it is none.
  Result<Ending> Judge(const Status& status) const;
  /// What is not as in the beginning, the owner's files included; "": nothing.
  std::string DifferenceFromStart() const;
  /// Applies the node before, and says what is not as it was; "": nothing.
  std::string GoBack();

 private:
  // The kernel and the resolver, and what the owner has on record.
  struct State {
    std::string objects;
    std::map<std::string, std::string> files;
  };
  State Read() const;
  std::string ReadFile() const;
  std::string FindEnd();

  Scenario scenario_;
  TemporaryDirectory directory_;
  TemporaryDirectory resolver_;
  std::unique_ptr<Host> host_;
  std::string failure_;
  size_t ops_ = 0;
  size_t messages_ = 0;
  size_t replies_ = 0;
  State start_;
  std::string end_;
};

/// Runs `body` in such a world. Returns as InNewNamespace does.
std::string InReferenceWorld(const Scenario& scenario,
                             const std::function<std::string(ReferenceWorld&)>& body,
                             int seconds = 3600);

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_REFERENCE_H_
