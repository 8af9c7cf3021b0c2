// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/base/rollback_text.h"

#include <fmt/format.h>

namespace wgnet {

std::string OutcomeText(const RollbackReport& rollback) {
  std::string text = rollback.complete() ? "; rolled back, nothing left" : "; rolled back, but:";
  for (const auto& left : rollback.leftovers) {
    text += fmt::format("\n  left: {}: {}", left.command, left.reason);
  }
  for (const auto& lossy : rollback.lossy) text += fmt::format("\n  came back anew: {}", lossy);
  return text;
}

void WriteJson(const RollbackReport& rollback, JsonWriter& out) {
  out.Key("undone").Number(rollback.undone);
  out.Key("complete").Bool(rollback.complete());
  out.Key("lossy").Array([&] {
    for (const std::string& lossy : rollback.lossy) out.String(lossy);
  });
  out.Key("leftovers").Array([&] {
    for (const auto& left : rollback.leftovers) {
      out.Object([&] {
        out.Key("command").String(left.command);
        out.Key("reason").String(left.reason);
      });
    }
  });
}

}  // namespace wgnet
