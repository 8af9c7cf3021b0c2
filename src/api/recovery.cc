// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/recovery.h"

#include <fmt/format.h>

#include "src/base/json_writer.h"
#include "src/base/rollback_text.h"

namespace wgnet {

std::string RecoveryReport::CutOff::ToString() const {
  if (finished) return fmt::format("a transaction of {} was cut off, and is carried on", owner);
  return fmt::format(
      "a {} of {} was {}: {} steps taken back{}", unconfirmed ? "change" : "transaction", owner,
      unconfirmed ? "not confirmed" : "not finished", rollback.undone, OutcomeText(rollback));
}

std::string RecoveryReport::ToJson() const {
  JsonWriter out;
  out.Object([&] {
    out.Key("schema").String("wgnet/1");
    out.Key("cut_off").Array([&] {
      for (const CutOff& each : cut_off) {
        out.Object([&] {
          out.Key("owner").String(each.owner);
          out.Key("unconfirmed").Bool(each.unconfirmed);
          out.Key("finished").Bool(each.finished);
          out.Key("rollback").Object([&] { WriteJson(each.rollback, out); });
        });
      }
    });
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
