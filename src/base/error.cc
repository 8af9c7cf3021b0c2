// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/error.h"

#include <fmt/format.h>

#include <cstring>
#include <ostream>

#include "src/base/json_writer.h"
#include "src/base/rollback_text.h"

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
  if (rollback) text += OutcomeText(*rollback);
  if (!hint.empty()) text += "\n  hint: " + hint;
  return text;
}

std::string Error::ToJson() const {
  JsonWriter out;
  const auto text = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out.Key(name).String(value);
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
      if (rollback) out.Key("rollback").Object([&] { WriteJson(*rollback, out); });
    });
  });
  return out.text();
}

std::ostream& operator<<(std::ostream& out, const Error& error) { return out << error.ToString(); }

}  // namespace wgnet
