// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/error.h"

#include <fmt/format.h>

#include <cstring>
#include <ostream>

#include "src/base/error_json.h"
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

void WriteJson(const Error& error, JsonWriter& out) {
  const auto text = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out.Key(name).String(value);
  };
  out.Key("error").Object([&] {
    out.Key("code").String(ErrorCodeName(error.code));
    text("message", error.message);
    text("where", error.where);
    text("hint", error.hint);
    if (error.step > 0) out.Key("step").Number(error.step);
    if (error.steps > 0) out.Key("steps").Number(error.steps);
    text("command", error.command);
    if (error.error_number != 0) out.Key("errno").Number(error.error_number);
    text("kernel_message", error.kernel_message);
    text("kernel_attribute", error.kernel_attribute);
    if (error.rollback) out.Key("rollback").Object([&] { WriteJson(*error.rollback, out); });
  });
}

std::string Error::ToJson() const {
  JsonWriter out;
  out.Object([&] {
    out.Key("schema").String("wgnet/1");
    WriteJson(*this, out);
  });
  return out.text();
}

std::ostream& operator<<(std::ostream& out, const Error& error) { return out << error.ToString(); }

}  // namespace wgnet
