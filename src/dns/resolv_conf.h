// SPDX-License-Identifier: MIT OR Apache-2.0
// Texts in the form of resolv.conf(5).
#ifndef WGNET_DNS_RESOLV_CONF_H_
#define WGNET_DNS_RESOLV_CONF_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/dns_system.h"

namespace wgnet::dns {

/// `nameserver` lines, and a `search` line if there are domains.
std::string LinesOf(const DnsConfig& config);
/// What such lines say. Of several that name domains, the last one holds.
DnsConfig ReadLines(std::string_view text);

/// What wgnet has in a file stands at its top, in a block of its own: a comment for each link, then
/// the lines that hold. What of the rest must not hold meanwhile is made a comment. So the file
/// says by itself what is whose, also after a crash or a reboot, and what others write stays
/// theirs.
struct FileLink {
  std::string netns_id;
  std::string link;
  DnsConfig config;
};

class ResolvConf {
 public:
  /// Nothing: the file does not exist.
  explicit ResolvConf(std::optional<std::string_view> text);

  /// The one with the highest order comes first: the last that came.
  const std::vector<FileLink>& links() const { return links_; }
  const FileLink* Find(std::string_view netns_id, std::string_view link) const;
  /// In place of what the link had; with an order, there.
  void Set(FileLink link);
  void Remove(std::string_view netns_id, std::string_view link);
  /// Removes the links of namespaces whose ids do not begin so: those of another boot are gone.
  void KeepOnly(std::string_view netns_id_prefix);

  /// The whole file; nothing where it is not to exist. Without links, it is as it was before wgnet
  /// wrote to it, with what others changed since.
  std::optional<std::string> Text() const;

 private:
  void ReadBlock(std::string_view block);
  void ReadLink(std::string_view words);
  void FillInOrder();

  std::vector<FileLink> links_;
  std::string rest_;   // what is not wgnet's, in force
  bool made_ = false;  // by wgnet: it goes with the last link
};

}  // namespace wgnet::dns

#endif  // WGNET_DNS_RESOLV_CONF_H_
