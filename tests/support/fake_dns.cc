// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/fake_dns.h"

namespace wgnet::testing {
namespace {

Error Refusal() {
  return {.code = ErrorCode::kDns, .message = "the resolver refuses", .hint = "none"};
}

}  // namespace

std::string FakeDns::Memory::State() const {
  std::string state;
  for (const auto& [place, config] : known) {
    const auto& [backend, path, label] = place;
    state += "dns " + std::string(DnsBackendName(backend)) + " " + path + " " + label + ":";
    for (const IpAddress& server : config.servers) state += " " + server.ToString();
    for (const DomainName& domain : config.domains) state += " " + domain.ToString();
    state += config.exclusive.value_or(false) ? " exclusive\n" : "\n";
  }
  return state;
}

Result<DnsHost> FakeDns::FindHost(std::optional<DnsBackend> wanted) {
  DnsHost host = memory_->host;
  if (wanted) host.backend = *wanted;
  return host;
}

Result<std::optional<DnsConfig>> FakeDns::Read(const DnsPlace& place) {
  const auto found = memory_->known.find({place.backend, place.path, place.label});
  return found == memory_->known.end() ? std::nullopt : std::optional(found->second);
}

Status FakeDns::Write(const DnsPlace& place, const DnsConfig& config) {
  if (memory_->refuses) return Refusal();
  ++memory_->changes;
  memory_->known[{place.backend, place.path, place.label}] = config;
  return {};
}

Status FakeDns::Remove(const DnsPlace& place) {
  if (memory_->refuses) return Refusal();
  ++memory_->changes;
  memory_->known.erase({place.backend, place.path, place.label});
  return {};
}

Result<std::vector<DnsPlace>> FakeDns::List() {
  std::vector<DnsPlace> places;
  for (const auto& [place, config] : memory_->known) {
    const auto& [backend, path, label] = place;
    if (backend != DnsBackend::kResolved) places.push_back({backend, path, label});
  }
  return places;
}

}  // namespace wgnet::testing
