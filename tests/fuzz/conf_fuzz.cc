// SPDX-License-Identifier: MIT OR Apache-2.0
// Files of wg(8) and wg-quick(8): whatever is read is kept byte for byte, and means the same again.
#include <cstdlib>
#include <string_view>

#include "wgnet/conf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto grammar : {wgnet::ConfFile::Grammar::kWgQuick, wgnet::ConfFile::Grammar::kWg}) {
    const auto file = wgnet::ConfFile::Parse(text, "fuzz.conf", grammar);
    if (!file) continue;
    if (file->text() != text) std::abort();
    const auto node = file->ToNode("wg0");
    if (!node || !node->Check()) continue;
    if (*wgnet::Node::FromJson(node->ToJson(wgnet::Secrets::kReveal)) != *node) std::abort();
  }
  return 0;
}
