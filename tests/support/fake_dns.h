// SPDX-License-Identifier: MIT OR Apache-2.0
// A resolver in memory.
#ifndef WGNET_TESTS_SUPPORT_FAKE_DNS_H_
#define WGNET_TESTS_SUPPORT_FAKE_DNS_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "src/base/dns_system.h"

namespace wgnet::testing {

class FakeDns final : public DnsSystem {
 public:
  /// What it was told, by place. Outlives the resolver, as a machine's does a session.
  struct Memory {
    DnsHost host{DnsBackend::kResolved, "", ""};
    std::map<std::tuple<DnsBackend, std::string, std::string>, DnsConfig> known;
    size_t changes = 0;
    bool refuses = false;
    std::string State() const;
  };

  explicit FakeDns(std::shared_ptr<Memory> memory) : memory_(std::move(memory)) {}

  Result<DnsHost> FindHost(std::optional<DnsBackend> wanted) override;
  Result<std::optional<DnsConfig>> Read(const DnsPlace& place) override;
  Status Write(const DnsPlace& place, const DnsConfig& config) override;
  Status Remove(const DnsPlace& place) override;
  Result<std::vector<DnsPlace>> List() override;

 private:
  std::shared_ptr<Memory> memory_;
};

/// Another resolver, whose changes somebody may refuse.
class RefusingDns final : public DnsSystem {
 public:
  /// What becomes of a change.
  enum class Fate : uint8_t { kDone, kRefused, kDoneThough };
  using Judge = std::function<Fate()>;

  RefusingDns(DnsSystem& inner, Judge judge) : inner_(inner), judge_(std::move(judge)) {}

  Result<DnsHost> FindHost(std::optional<DnsBackend> wanted) override {
    return inner_.FindHost(wanted);
  }
  Result<std::optional<DnsConfig>> Read(const DnsPlace& place) override {
    return inner_.Read(place);
  }
  Status Write(const DnsPlace& place, const DnsConfig& config) override {
    return Try([&] { return inner_.Write(place, config); });
  }
  Status Remove(const DnsPlace& place) override {
    return Try([&] { return inner_.Remove(place); });
  }
  Result<std::vector<DnsPlace>> List() override { return inner_.List(); }
  Result<bool> ForgetEarlierBoots() override { return inner_.ForgetEarlierBoots(); }

 private:
  template <class Change>
  Status Try(const Change& change) {
    const Fate fate = judge_();
    Status done = fate == Fate::kRefused ? Status() : change();
    if (fate == Fate::kDone) return done;
    return Error{.code = ErrorCode::kDns, .message = "refused by the test", .hint = "none"};
  }

  DnsSystem& inner_;
  Judge judge_;
};

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_FAKE_DNS_H_
