// SPDX-License-Identifier: MIT OR Apache-2.0
// Changes that have to be confirmed.
#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "capi/handles.h"

namespace {

using wgnet::ApplyReport;
using wgnet::ConfirmOptions;
using wgnet::Error;
using wgnet::ErrorCode;
using wgnet::PublicKey;
using wgnet::Result;
using wgnet::RollbackReport;
using wgnet::Status;
using wgnet::capi::Call;
using wgnet::capi::CheckFlag;
using wgnet::capi::Cleared;
using wgnet::capi::GiveSteps;
using wgnet::capi::GiveText;
using wgnet::capi::Invalid;
using wgnet::capi::ReadList;
using wgnet::capi::ReadOptions;
using wgnet::capi::TextOrNone;

using std::chrono::milliseconds;

constexpr size_t kMostOfToken = 63;
constexpr milliseconds kInterval{250};

Result<PublicKey> ReadKey(const char* text, const char* function, std::string_view argument) {
  auto key = PublicKey::Parse(text);
  if (key) return key;
  Error error = Invalid(std::move(key.error().message), function, argument);
  error.hint = std::move(key.error().hint);
  return error;
}

milliseconds TimeOf(int64_t within_ms) {
  return within_ms != 0 ? milliseconds(within_ms) : ConfirmOptions().within;
}

Status ReadConfirmOptions(const wgnet_confirm_options_t* given, const char* function,
                          ConfirmOptions& options) {
  wgnet_confirm_options_t known = {};
  Status read = ReadOptions(given, function, known);
  if (read) read = CheckFlag(known.persist, 1, function, "options.persist");
  if (!read) return read;
  options.within = TimeOf(known.within_ms);
  options.persist = known.persist == 1;
  return ReadList(known.revoke, known.revoke_count, function, "options.revoke",
                  [&](const char* text, const std::string& place) -> Status {
                    const auto key = ReadKey(text, function, place);
                    if (!key) return key.error();
                    options.revoke.push_back(*key);
                    return {};
                  });
}

// `apply` makes a change. There is room for its token before: afterwards it could not be told.
template <class Apply>
Status ApplyToConfirm(const wgnet_confirm_options_t* given, const char* function, char** token,
                      size_t* steps, Apply&& apply) {
  ConfirmOptions options;
  Status read = ReadConfirmOptions(given, function, options);
  if (!read) return read;
  std::unique_ptr<char[]> room;
  if (token != nullptr) room.reset(new char[kMostOfToken + 1]);
  Result<ApplyReport> report = apply(options);
  if (room && report && report->pending && !report->pending->token.empty()) {
    room[report->pending->token.copy(room.get(), kMostOfToken)] = '\0';
    *token = room.release();
  }
  return GiveSteps(std::move(report), steps);
}

Error Incomplete() {
  return {.code = ErrorCode::kRollbackIncomplete, .message = "the change waits no longer"};
}

// `incomplete` was made before, when running out of memory was no matter.
Status GiveUndone(RollbackReport rollback, Error incomplete, size_t* steps) {
  if (!rollback.complete()) {
    incomplete.rollback = std::move(rollback);
    return incomplete;
  }
  if (steps != nullptr) *steps = static_cast<size_t>(rollback.undone);
  return {};
}

Error SaysNo(const char* function) {
  return {.code = ErrorCode::kVerify,
          .message = "the probe says that the change is wrong",
          .where = std::string(function) + ": probe",
          .hint = "the change waits on: take it back, or confirm it"};
}

}  // namespace

wgnet_status_t wgnet_session_apply_to_confirm(wgnet_session_t* session, const wgnet_node_t* node,
                                              const wgnet_confirm_options_t* options, char** token,
                                              size_t* steps, wgnet_error_t** error) noexcept {
  const char* function = __func__;
  Cleared(token);
  Cleared(steps);
  return Call(function, {{"session", session}, {"node", node}}, error, [&] {
    const auto apply = [&](const auto& how) { return session->value.Apply(node->value, how); };
    return ApplyToConfirm(options, function, token, steps, apply);
  });
}

wgnet_status_t wgnet_session_apply_plan_to_confirm(wgnet_session_t* session,
                                                   const wgnet_plan_t* plan,
                                                   const wgnet_confirm_options_t* options,
                                                   char** token, size_t* steps,
                                                   wgnet_error_t** error) noexcept {
  const char* function = __func__;
  Cleared(token);
  Cleared(steps);
  return Call(function, {{"session", session}, {"plan", plan}}, error, [&] {
    const auto apply = [&](const auto& how) { return session->value.Apply(plan->value, how); };
    return ApplyToConfirm(options, function, token, steps, apply);
  });
}

wgnet_status_t wgnet_session_pending_json(wgnet_session_t* session, char** text,
                                          wgnet_error_t** error) noexcept {
  return Call(__func__, {{"session", session}, {"text", Cleared(text)}}, error, [&]() -> Status {
    const auto pending = session->value.Pending();
    if (!pending) return pending.error();
    return *pending ? GiveText((*pending)->ToJson(), text) : Status();
  });
}

wgnet_status_t wgnet_session_confirm(wgnet_session_t* session, const char* token, size_t* steps,
                                     wgnet_error_t** error) noexcept {
  Cleared(steps);
  return Call(__func__, {{"session", session}}, error,
              [&] { return GiveSteps(session->value.Confirm(TextOrNone(token)), steps); });
}

wgnet_status_t wgnet_session_rollback(wgnet_session_t* session, const char* token, size_t* steps,
                                      wgnet_error_t** error) noexcept {
  Cleared(steps);
  return Call(__func__, {{"session", session}}, error, [&]() -> Status {
    Error incomplete = Incomplete();
    auto report = session->value.Rollback(TextOrNone(token));
    if (!report) return std::move(report).error();
    return GiveUndone(*std::move(report), std::move(incomplete), steps);
  });
}

wgnet_status_t wgnet_session_extend(wgnet_session_t* session, int64_t within_ms, const char* token,
                                    wgnet_error_t** error) noexcept {
  return Call(__func__, {{"session", session}}, error, [&] {
    return session->value.ExtendConfirmation(TimeOf(within_ms), TextOrNone(token));
  });
}

wgnet_status_t wgnet_session_confirm_when(wgnet_session_t* session, int32_t (*probe)(void* data),
                                          void* data, const char* token, int64_t interval_ms,
                                          size_t* steps, wgnet_error_t** error) noexcept {
  const char* function = __func__;
  Cleared(steps);
  return Call(function, {{"session", session}, {"probe", probe}}, error, [&]() -> Status {
    if (interval_ms < 0) {
      return Invalid("it is below 0", function, "interval_ms");
    }
    const auto ask = [&]() -> Result<bool> {
      const int32_t answer = probe(data);
      if (answer < 0) return SaysNo(function);
      return answer > 0;
    };
    const auto interval = interval_ms != 0 ? milliseconds(interval_ms) : kInterval;
    return GiveSteps(session->value.ConfirmWhen(ask, TextOrNone(token), interval), steps);
  });
}

wgnet_status_t wgnet_session_confirm_on_handshake(wgnet_session_t* session, const char* peer,
                                                  const char* token, size_t* steps,
                                                  wgnet_error_t** error) noexcept {
  const char* function = __func__;
  Cleared(steps);
  return Call(function, {{"session", session}}, error, [&]() -> Status {
    std::optional<PublicKey> key;
    if (peer != nullptr) {
      const auto read = ReadKey(peer, function, "peer");
      if (!read) return read.error();
      key = *read;
    }
    return GiveSteps(session->value.ConfirmOnHandshake(key, TextOrNone(token)), steps);
  });
}

wgnet_status_t wgnet_session_guard(wgnet_session_t* session, void (*on_ready)(void* data),
                                   void* data, size_t* steps, wgnet_error_t** error) noexcept {
  Cleared(steps);
  return Call(__func__, {{"session", session}}, error, [&]() -> Status {
    Error incomplete = Incomplete();
    std::function<void()> tell;
    if (on_ready != nullptr) tell = [&] { on_ready(data); };
    auto report = session->value.Guard(tell);
    if (!report) return std::move(report).error();
    if (!report->rollback) return {};
    return GiveUndone(*std::move(report->rollback), std::move(incomplete), steps);
  });
}
