// SPDX-License-Identifier: MIT OR Apache-2.0
// Files of resolv.conf(5), with a block of wgnet's or without: what is written is read again as the
// same, and taking all links out leaves none.
#include <cstdlib>
#include <string>
#include <string_view>

#include "src/dns/resolv_conf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using wgnet::dns::ResolvConf;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(wgnet::dns::ReadLines(text));
  ResolvConf file(text);
  const auto once = file.Text();
  ResolvConf again(once ? std::optional<std::string_view>(*once) : std::nullopt);
  if (again.Text() != once || again.links().size() != file.links().size()) std::abort();
  while (!file.links().empty()) {
    const auto link = file.links().front();
    file.Remove(link.netns_id, link.link);
    if (file.Find(link.netns_id, link.link) != nullptr) std::abort();
  }
  return 0;
}
