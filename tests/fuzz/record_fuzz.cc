// SPDX-License-Identifier: MIT OR Apache-2.0
// Records in the state directory, with a checksum that is right, so that it hides nothing.
#include <cstdlib>
#include <cstring>
#include <string>

#include "src/plan/record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto record = wgnet::plan::DecodeRecord(wgnet::plan::SealRecord(body));
  if (!record) return 0;
  const auto again = wgnet::plan::DecodeRecord(wgnet::plan::EncodeRecord(*record));
  if (!again || wgnet::plan::EncodeRecord(*again) != wgnet::plan::EncodeRecord(*record)) {
    std::abort();
  }
  return 0;
}
