// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/records.h"

#include <sodium.h>

#include <algorithm>

#include "src/base/try.h"

namespace wgnet::plan {

Result<Records> LoadRecords(const StateDir& state_dir, const std::string& owner) {
  WGNET_ASSIGN_OR_RETURN(std::vector<Record> all, state_dir.Load());
  Records records;
  records.own.owner = owner;
  for (Record& record : all) {
    if (record.owner == owner) {
      records.own = std::move(record);
    } else {
      records.others.push_back(std::move(record));
    }
  }
  std::sort(records.others.begin(), records.others.end(),
            [](const Record& a, const Record& b) { return a.owner < b.owner; });
  return records;
}

std::string DigestOf(const std::vector<Record>& records) {
  crypto_generichash_state state;
  std::string digest(crypto_generichash_BYTES, '\0');
  crypto_generichash_init(&state, nullptr, 0, digest.size());
  for (const Record& record : records) {
    const std::string bytes = ContentsOf(record);
    crypto_generichash_update(&state, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  }
  crypto_generichash_final(&state, reinterpret_cast<uint8_t*>(digest.data()), digest.size());
  return digest;
}

}  // namespace wgnet::plan
