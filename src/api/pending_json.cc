// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/api/pending_json.h"

#include <algorithm>

namespace wgnet {

void WriteJson(const PendingChange& change, JsonWriter& out) {
  out.Key("owner").String(change.owner);
  if (!change.token.empty()) out.Key("token").String(change.token);
  out.Key("left_ms").Number(std::max<int64_t>(change.left.count(), 0));
  out.Key("changed").Number(
      std::chrono::duration_cast<std::chrono::seconds>(change.changed.time_since_epoch()).count());
  out.Key("persists").Bool(change.persists);
}

std::string PendingChange::ToJson() const {
  JsonWriter out;
  out.Object([&] {
    out.Key("schema").String("wgnet/1");
    out.Key("pending").Object([&] { WriteJson(*this, out); });
  });
  return out.text();
}

}  // namespace wgnet
