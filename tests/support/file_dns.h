// SPDX-License-Identifier: MIT OR Apache-2.0
// A resolver that reads a plain resolv.conf, anywhere.
#ifndef WGNET_TESTS_SUPPORT_FILE_DNS_H_
#define WGNET_TESTS_SUPPORT_FILE_DNS_H_

#include <string>
#include <utility>
#include <vector>

#include "src/base/dns_system.h"
#include "src/dns/file.h"

namespace wgnet::testing {

class FileDns final : public DnsSystem {
 public:
  explicit FileDns(std::string path) : path_(std::move(path)), file_(path_, kNamespace) {}

  Result<DnsHost> FindHost(std::optional<DnsBackend>) override {
    return DnsHost{DnsBackend::kFile, path_, ""};
  }
  Result<std::optional<DnsConfig>> Read(const DnsPlace& place) override {
    return file_.Read(place.label);
  }
  Status Write(const DnsPlace& place, const DnsConfig& config) override {
    return file_.Write(place.label, config);
  }
  Status Remove(const DnsPlace& place) override { return file_.Remove(place.label); }
  Result<std::vector<DnsPlace>> List() override {
    auto links = file_.List();
    if (!links) return links.error();
    std::vector<DnsPlace> places;
    for (const std::string& link : *links) places.push_back({DnsBackend::kFile, path_, link});
    return places;
  }

 private:
  // The boot's id, and the namespace's.
  static constexpr char kNamespace[] = "01234567-89ab-cdef-0123-456789abcdef-1";

  std::string path_;
  dns::ResolvFile file_;
};

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_FILE_DNS_H_
