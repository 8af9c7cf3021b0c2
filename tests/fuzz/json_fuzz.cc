// SPDX-License-Identifier: MIT OR Apache-2.0
// wgnet/1 documents: a node that is read is written and read again as the same node.
#include <cstdlib>
#include <string_view>

#include "wgnet/node.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto node =
      wgnet::Node::FromJson(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!node) return 0;
  const auto again = wgnet::Node::FromJson(node->ToJson(wgnet::Secrets::kReveal));
  if (!again || *again != *node) std::abort();
  return 0;
}
