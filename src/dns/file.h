// SPDX-License-Identifier: MIT OR Apache-2.0
// resolv.conf(5), where nobody keeps it.
#ifndef WGNET_DNS_FILE_H_
#define WGNET_DNS_FILE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/dns/resolv_conf.h"
#include "wgnet/error.h"

namespace wgnet::dns {

class ResolvFile {
 public:
  /// `netns_id` tells links of several namespaces that share the file apart.
  ResolvFile(std::string path, std::string netns_id)
      : path_(std::move(path)), netns_id_(std::move(netns_id)) {}

  Result<std::optional<DnsConfig>> Read(const std::string& link) const;
  Status Write(const std::string& link, const DnsConfig& config) const;
  Status Remove(const std::string& link) const;
  /// The namespace's links that it has something for.
  Result<std::vector<std::string>> List() const;
  /// Removes the links of other boots, any namespace's; whether there were any.
  Result<bool> ForgetEarlierBoots() const;

 private:
  template <class Edit>
  Status Change(const Edit& edit) const;

  std::string_view boot_id() const;

  std::string path_;
  std::string netns_id_;
};

}  // namespace wgnet::dns

#endif  // WGNET_DNS_FILE_H_
