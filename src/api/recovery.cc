// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/recovery.h"

#include "src/base/json_writer.h"

namespace wgnet {

std::string RecoveryReport::ToJson() const {
  JsonWriter out;
  out.Object([&] {
    out.Key("schema").String("wgnet/1");
    out.Key("recovered").Array([&] {
      for (const Owner& each : owners) {
        out.Object([&] {
          out.Key("owner").String(each.owner);
          out.Key("steps").Number(each.steps);
        });
      }
    });
    out.Key("warnings").Array([&] {
      for (const std::string& warning : warnings) out.String(warning);
    });
  });
  return out.text();
}

}  // namespace wgnet
