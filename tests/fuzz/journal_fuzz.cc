// SPDX-License-Identifier: MIT OR Apache-2.0
// Journals in the state directory, with a checksum that is right, so that it hides nothing.
#include <cstdlib>
#include <string_view>

#include "src/plan/journal.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto journal = wgnet::plan::DecodeJournal(wgnet::plan::SealJournal(body, 0).text());
  if (!journal) return 0;
  const auto once = wgnet::plan::EncodeJournal(*journal);
  const auto again = wgnet::plan::DecodeJournal(once.text());
  if (!again || wgnet::plan::EncodeJournal(*again).text() != once.text()) std::abort();
  return 0;
}
