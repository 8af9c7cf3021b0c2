// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/error.h"

#include <fmt/format.h>

#include <cstring>
#include <ostream>

#include "src/base/json_writer.h"

namespace wgnet {
namespace {

struct CodeName {
  ErrorCode code;
  std::string_view name;
};

constexpr CodeName kCodeNames[] = {
    {ErrorCode::kInvalidArgument, "invalid-argument"},
    {ErrorCode::kParse, "parse"},
    {ErrorCode::kIo, "io"},
    {ErrorCode::kNotFound, "not-found"},
    {ErrorCode::kPermission, "permission"},
    {ErrorCode::kModuleMissing, "module-missing"},
    {ErrorCode::kNotSupported, "not-supported"},
    {ErrorCode::kNameTaken, "name-taken"},
    {ErrorCode::kPortInUse, "port-in-use"},
    {ErrorCode::kConflict, "conflict"},
    {ErrorCode::kReadOnly, "read-only"},
    {ErrorCode::kBusy, "busy"},
    {ErrorCode::kStale, "stale"},
    {ErrorCode::kKernel, "kernel"},
    {ErrorCode::kVerify, "verify"},
    {ErrorCode::kRollbackIncomplete, "rollback-incomplete"},
    {ErrorCode::kState, "state"},
    {ErrorCode::kUnresolved, "unresolved"},
    {ErrorCode::kNoMemory, "no-memory"},
    {ErrorCode::kHook, "hook"},
    {ErrorCode::kDns, "dns"},
};

std::string Outcome(const RollbackReport& rollback) {
  std::string text = rollback.complete() ? "; rolled back, nothing left" : "; rolled back, but:";
  for (const auto& left : rollback.leftovers) {
    text += fmt::format("\n  left: {}: {}", left.command, left.reason);
  }
  for (const auto& lossy : rollback.lossy) text += fmt::format("\n  came back anew: {}", lossy);
  return text;
}

}  // namespace

std::string_view ErrorCodeName(ErrorCode code) {
  for (const auto& [known, name] : kCodeNames) {
    if (known == code) return name;
  }
  return "unknown";
}

std::string Error::ToString() const {
  std::string text;
  if (step > 0) text += fmt::format("step {}/{}: ", step, steps);
  if (!command.empty()) text += command + ": ";
  if (!where.empty()) text += where + ": ";
  text += message;
  if (!kernel_message.empty()) text += fmt::format(" (kernel: {})", kernel_message);
  if (!kernel_attribute.empty()) text += fmt::format(" (at {})", kernel_attribute);
  if (rollback) text += Outcome(*rollback);
  if (!hint.empty()) text += "\n  hint: " + hint;
  return text;
}

std::string Error::ToJson() const {
  JsonWriter out;
  const auto text = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out.Key(name).String(value);
  };
  const auto write_rollback = [&] {
    out.Key("undone").Number(rollback->undone);
    out.Key("complete").Bool(rollback->complete());
    out.Key("lossy").Array([&] {
      for (const std::string& lossy : rollback->lossy) out.String(lossy);
    });
    out.Key("leftovers").Array([&] {
      for (const auto& left : rollback->leftovers) {
        out.Object([&] {
          out.Key("command").String(left.command);
          out.Key("reason").String(left.reason);
        });
      }
    });
  };
  out.Object([&] {
    out.Key("schema").String("wgnet/1");
    out.Key("error").Object([&] {
      out.Key("code").String(ErrorCodeName(code));
      text("message", message);
      text("where", where);
      text("hint", hint);
      if (step > 0) out.Key("step").Number(step);
      if (steps > 0) out.Key("steps").Number(steps);
      text("command", command);
      if (error_number != 0) out.Key("errno").Number(error_number);
      text("kernel_message", kernel_message);
      text("kernel_attribute", kernel_attribute);
      if (rollback) out.Key("rollback").Object(write_rollback);
    });
  });
  return out.text();
}

std::ostream& operator<<(std::ostream& out, const Error& error) { return out << error.ToString(); }

}  // namespace wgnet
