// SPDX-License-Identifier: MIT OR Apache-2.0
// Version, status, memory, errors, nodes, plans and sessions.
#include <chrono>
#include <iterator>
#include <new>
#include <optional>

#include "capi/handles.h"

namespace {

using wgnet::ConfFile;
using wgnet::Error;
using wgnet::ErrorCode;
using wgnet::Secrets;
using wgnet::SessionOptions;
using wgnet::Status;
using wgnet::capi::Call;
using wgnet::capi::CheckFlag;
using wgnet::capi::Cleared;
using wgnet::capi::Give;
using wgnet::capi::GiveSteps;
using wgnet::capi::GiveText;
using wgnet::capi::Invalid;
using wgnet::capi::ReadList;
using wgnet::capi::ReadOptions;

constexpr bool Same(int32_t status, ErrorCode code) { return status == static_cast<int32_t>(code); }
static_assert(Same(WGNET_INVALID_ARGUMENT, ErrorCode::kInvalidArgument));
static_assert(Same(WGNET_PARSE, ErrorCode::kParse));
static_assert(Same(WGNET_IO, ErrorCode::kIo));
static_assert(Same(WGNET_NOT_FOUND, ErrorCode::kNotFound));
static_assert(Same(WGNET_PERMISSION, ErrorCode::kPermission));
static_assert(Same(WGNET_MODULE_MISSING, ErrorCode::kModuleMissing));
static_assert(Same(WGNET_NOT_SUPPORTED, ErrorCode::kNotSupported));
static_assert(Same(WGNET_NAME_TAKEN, ErrorCode::kNameTaken));
static_assert(Same(WGNET_PORT_IN_USE, ErrorCode::kPortInUse));
static_assert(Same(WGNET_CONFLICT, ErrorCode::kConflict));
static_assert(Same(WGNET_READ_ONLY, ErrorCode::kReadOnly));
static_assert(Same(WGNET_BUSY, ErrorCode::kBusy));
static_assert(Same(WGNET_STALE, ErrorCode::kStale));
static_assert(Same(WGNET_KERNEL, ErrorCode::kKernel));
static_assert(Same(WGNET_VERIFY, ErrorCode::kVerify));
static_assert(Same(WGNET_ROLLBACK_INCOMPLETE, ErrorCode::kRollbackIncomplete));
static_assert(Same(WGNET_STATE, ErrorCode::kState));
static_assert(Same(WGNET_UNRESOLVED, ErrorCode::kUnresolved));
static_assert(Same(WGNET_NO_MEMORY, ErrorCode::kNoMemory));
static_assert(Same(WGNET_HOOK, ErrorCode::kHook));
static_assert(Same(WGNET_DNS, ErrorCode::kDns));

// ---- texts ----

// `write` returns the text for a wgnet::Secrets.
template <class Write>
Status GiveJson(const char* function, uint32_t secrets, char** text, Write&& write) {
  Status known = CheckFlag(secrets, WGNET_REVEAL_SECRETS, function, "secrets");
  if (!known) return known;
  return GiveText(write(secrets == WGNET_REVEAL_SECRETS ? Secrets::kReveal : Secrets::kHide), text);
}

const char* At(const std::vector<std::string>& list, size_t index) {
  return index < list.size() ? list[index].c_str() : "";
}

// ---- options ----

Status CheckFlags(const wgnet_session_options_t& given, const char* function) {
  const struct {
    uint32_t flag;
    uint32_t most;
    const char* name;
  } kFlags[] = {{given.unresolved_endpoint, WGNET_UNRESOLVED_LATER, "options.unresolved_endpoint"},
                {given.adopt_identical, 1, "options.adopt_identical"},
                {given.recovery, WGNET_RECOVER_FORWARD, "options.recovery"}};
  for (const auto& each : kFlags) {
    Status known = CheckFlag(each.flag, each.most, function, each.name);
    if (!known) return known;
  }
  return {};
}

void SetResolving(const wgnet_session_options_t& given, SessionOptions& options) {
  if (given.resolve_timeout_ms > 0) {
    options.resolve_timeout = std::chrono::milliseconds(given.resolve_timeout_ms);
  } else if (given.resolve_timeout_ms < 0) {
    options.resolve_timeout.reset();
  }
  if (given.resolve_retries != 0) {
    options.resolve_retries = static_cast<uint32_t>(std::max(given.resolve_retries, 0));
  }
  if (given.unresolved_endpoint == WGNET_UNRESOLVED_LATER) {
    options.unresolved_endpoint = wgnet::UnresolvedEndpoint::kLater;
  }
}

SessionOptions OptionsOf(const wgnet_session_options_t& given) {
  SessionOptions options;
  if (given.owner != nullptr) options.owner = given.owner;
  if (given.netns != nullptr) options.netns = given.netns;
  if (given.state_dir != nullptr) options.state_dir = given.state_dir;
  if (given.lock_timeout_ms != 0) {
    options.lock_timeout = std::chrono::milliseconds(std::max<int64_t>(given.lock_timeout_ms, 0));
  }
  SetResolving(given, options);
  if (given.userspace_implementation != nullptr) {
    options.userspace_implementation = given.userspace_implementation;
  }
  options.adopt_identical = given.adopt_identical == 1;
  if (given.recovery == WGNET_RECOVER_FORWARD) {
    options.recovery = wgnet::RecoveryDirection::kForward;
  }
  if (given.guardian != nullptr) options.guardian = given.guardian;
  return options;
}

Status OpenSession(const wgnet_session_options_t* given, const char* function,
                   wgnet_session_t** session) {
  wgnet_session_options_t known = {};
  Status read = ReadOptions(given, function, known);
  if (read) read = CheckFlags(known, function);
  if (!read) return read;
  SessionOptions options = OptionsOf(known);
  read = ReadList(known.adopt, known.adopt_count, function, "options.adopt",
                  [&](const char* name, const std::string&) {
                    options.adopt.emplace_back(name);
                    return Status();
                  });
  if (!read) return read;
  return Give(wgnet::Session::Open(std::move(options)), session);
}

// ---- configuration files ----

// A node runs no hook, so there may be none but where `flags` has them skipped.
Status CheckHooks(const ConfFile& conf, uint32_t flags) {
  if ((flags & WGNET_CONF_SKIP_HOOKS) != 0 || conf.hooks().empty()) return {};
  return Error{.code = ErrorCode::kNotSupported,
               .message = "a node cannot hold a hook",
               .where = std::string(conf.name()) + ":" + std::to_string(conf.hooks().front().line),
               .hint = "WGNET_CONF_SKIP_HOOKS leaves it out"};
}

Status NodeFromConf(std::string_view text, const char* interface_name, const char* file_name,
                    uint32_t flags, wgnet_node_t** out) {
  const auto conf = ConfFile::Parse(text, file_name);
  if (!conf) return conf.error();
  const Status complete = CheckHooks(*conf, flags);
  if (!complete) return complete;
  auto node = conf->ToNode(interface_name, (flags & WGNET_CONF_SKIP_DNS) == 0);
  if (!node) return node.error();
  *out = new wgnet_node{*std::move(node), conf->warnings()};
  return {};
}

// ---- errors ----

const char* TextOf(const wgnet_error_t* error, std::string Error::*member) {
  return error != nullptr ? (error->value.*member).c_str() : "";
}

int32_t NumberOf(const wgnet_error_t* error, int Error::*member) {
  return error != nullptr ? error->value.*member : 0;
}

using Leftover = wgnet::RollbackReport::Leftover;

const char* LeftoverText(const wgnet_error_t* error, size_t index, std::string Leftover::*member) {
  if (index >= wgnet_error_leftover_count(error)) return "";
  return (error->value.rollback->leftovers[index].*member).c_str();
}

// ---- recovery ----

void MoveTo(wgnet::RollbackReport& all, wgnet::RollbackReport more) {
  all.undone += more.undone;
  std::move(more.leftovers.begin(), more.leftovers.end(), std::back_inserter(all.leftovers));
  std::move(more.lossy.begin(), more.lossy.end(), std::back_inserter(all.lossy));
}

// What was taken back, but not all of it, as one. It is done: without memory, less is told.
std::optional<wgnet::RollbackReport> IncompleteOf(wgnet::RecoveryReport report) {
  std::optional<wgnet::RollbackReport> all;
  try {
    for (auto& each : report.cut_off) {
      if (each.rollback.complete()) continue;
      if (all) {
        MoveTo(*all, std::move(each.rollback));
      } else {
        all = std::move(each.rollback);
      }
    }
  } catch (const std::bad_alloc&) {
  }
  return all;
}

}  // namespace

// ---- version, status, memory ----

const char* wgnet_version(void) noexcept { return wgnet::Version(); }

uint32_t wgnet_abi_version(void) noexcept { return WGNET_ABI_VERSION; }

const char* wgnet_status_name(wgnet_status_t status) noexcept {
  // The names are literals, so they end in NUL.
  return status == WGNET_OK ? "ok" : wgnet::ErrorCodeName(static_cast<ErrorCode>(status)).data();
}

void wgnet_free(char* text) noexcept {
  if (text != nullptr) explicit_bzero(text, std::strlen(text));
  delete[] text;
}

// ---- errors ----

wgnet_status_t wgnet_error_code(const wgnet_error_t* error) noexcept {
  return error != nullptr ? static_cast<wgnet_status_t>(error->value.code) : WGNET_OK;
}

const char* wgnet_error_message(const wgnet_error_t* error) noexcept {
  return TextOf(error, &Error::message);
}

const char* wgnet_error_where(const wgnet_error_t* error) noexcept {
  return TextOf(error, &Error::where);
}

const char* wgnet_error_hint(const wgnet_error_t* error) noexcept {
  return TextOf(error, &Error::hint);
}

int32_t wgnet_error_step(const wgnet_error_t* error) noexcept {
  return NumberOf(error, &Error::step);
}

int32_t wgnet_error_steps(const wgnet_error_t* error) noexcept {
  return NumberOf(error, &Error::steps);
}

const char* wgnet_error_command(const wgnet_error_t* error) noexcept {
  return TextOf(error, &Error::command);
}

int32_t wgnet_error_errno(const wgnet_error_t* error) noexcept {
  return NumberOf(error, &Error::error_number);
}

const char* wgnet_error_kernel_message(const wgnet_error_t* error) noexcept {
  return TextOf(error, &Error::kernel_message);
}

const char* wgnet_error_kernel_attribute(const wgnet_error_t* error) noexcept {
  return TextOf(error, &Error::kernel_attribute);
}

size_t wgnet_error_leftover_count(const wgnet_error_t* error) noexcept {
  if (error == nullptr || !error->value.rollback) return 0;
  return error->value.rollback->leftovers.size();
}

const char* wgnet_error_leftover_command(const wgnet_error_t* error, size_t index) noexcept {
  return LeftoverText(error, index, &Leftover::command);
}

const char* wgnet_error_leftover_reason(const wgnet_error_t* error, size_t index) noexcept {
  return LeftoverText(error, index, &Leftover::reason);
}

const char* wgnet_error_to_string(const wgnet_error_t* error) noexcept {
  return error != nullptr ? error->text.c_str() : "";
}

void wgnet_error_free(wgnet_error_t* error) noexcept { delete error; }

// ---- nodes ----

wgnet_node_t* wgnet_node_new(void) noexcept { return new (std::nothrow) wgnet_node; }

wgnet_status_t wgnet_node_from_json(const char* text, size_t length, wgnet_node_t** node,
                                    wgnet_error_t** error) noexcept {
  return Call(__func__, {{"text", text}, {"node", Cleared(node)}}, error, [&] {
    return Give(wgnet::Node::FromJson({text, length}), node);
  });
}

wgnet_status_t wgnet_node_from_conf(const char* text, size_t length, const char* interface_name,
                                    const char* file_name, uint32_t flags, wgnet_node_t** node,
                                    wgnet_error_t** error) noexcept {
  constexpr uint32_t kFlags = WGNET_CONF_SKIP_HOOKS | WGNET_CONF_SKIP_DNS;
  const char* function = __func__;
  return Call(function,
              {{"text", text},
               {"interface_name", interface_name},
               {"file_name", file_name},
               {"node", Cleared(node)}},
              error, [&]() -> Status {
                if ((flags & ~kFlags) != 0) return Invalid("no such flag", function, "flags");
                return NodeFromConf({text, length}, interface_name, file_name, flags, node);
              });
}

size_t wgnet_node_warning_count(const wgnet_node_t* node) noexcept {
  return node != nullptr ? node->warnings.size() : 0;
}

const char* wgnet_node_warning(const wgnet_node_t* node, size_t index) noexcept {
  return node != nullptr ? At(node->warnings, index) : "";
}

wgnet_status_t wgnet_node_to_json(const wgnet_node_t* node, uint32_t secrets, char** text,
                                  wgnet_error_t** error) noexcept {
  const char* function = __func__;
  return Call(function, {{"node", node}, {"text", Cleared(text)}}, error, [&] {
    return GiveJson(function, secrets, text, [&](Secrets s) { return node->value.ToJson(s); });
  });
}

void wgnet_node_free(wgnet_node_t* node) noexcept { delete node; }

// ---- plans ----

size_t wgnet_plan_size(const wgnet_plan_t* plan) noexcept {
  return plan != nullptr ? plan->value.size() : 0;
}

size_t wgnet_plan_warning_count(const wgnet_plan_t* plan) noexcept {
  return plan != nullptr ? plan->value.warnings().size() : 0;
}

const char* wgnet_plan_warning(const wgnet_plan_t* plan, size_t index) noexcept {
  return plan != nullptr ? At(plan->value.warnings(), index) : "";
}

wgnet_status_t wgnet_plan_explain(const wgnet_plan_t* plan, char** text,
                                  wgnet_error_t** error) noexcept {
  return Call(__func__, {{"plan", plan}, {"text", Cleared(text)}}, error,
              [&] { return GiveText(plan->value.Explain(), text); });
}

wgnet_status_t wgnet_plan_to_json(const wgnet_plan_t* plan, uint32_t secrets, char** text,
                                  wgnet_error_t** error) noexcept {
  const char* function = __func__;
  return Call(function, {{"plan", plan}, {"text", Cleared(text)}}, error, [&] {
    return GiveJson(function, secrets, text, [&](Secrets s) { return plan->value.ToJson(s); });
  });
}

void wgnet_plan_free(wgnet_plan_t* plan) noexcept { delete plan; }

// ---- sessions ----

wgnet_status_t wgnet_session_open(const wgnet_session_options_t* options, wgnet_session_t** session,
                                  wgnet_error_t** error) noexcept {
  const char* function = __func__;
  return Call(function, {{"session", Cleared(session)}}, error,
              [&] { return OpenSession(options, function, session); });
}

void wgnet_session_close(wgnet_session_t* session) noexcept { delete session; }

wgnet_status_t wgnet_session_recovered_json(const wgnet_session_t* session, char** text,
                                            wgnet_error_t** error) noexcept {
  return Call(__func__, {{"session", session}, {"text", Cleared(text)}}, error,
              [&] { return GiveText(session->value.recovered().ToJson(), text); });
}

wgnet_status_t wgnet_session_plan(wgnet_session_t* session, const wgnet_node_t* node,
                                  wgnet_plan_t** plan, wgnet_error_t** error) noexcept {
  return Call(__func__, {{"session", session}, {"node", node}, {"plan", Cleared(plan)}}, error,
              [&] { return Give(session->value.Plan(node->value), plan); });
}

wgnet_status_t wgnet_session_apply_plan(wgnet_session_t* session, const wgnet_plan_t* plan,
                                        size_t* steps, wgnet_error_t** error) noexcept {
  Cleared(steps);
  return Call(__func__, {{"session", session}, {"plan", plan}}, error,
              [&] { return GiveSteps(session->value.Apply(plan->value), steps); });
}

wgnet_status_t wgnet_session_apply(wgnet_session_t* session, const wgnet_node_t* node,
                                   size_t* steps, wgnet_error_t** error) noexcept {
  Cleared(steps);
  return Call(__func__, {{"session", session}, {"node", node}}, error,
              [&] { return GiveSteps(session->value.Apply(node->value), steps); });
}

wgnet_status_t wgnet_session_recover(wgnet_session_t* session, size_t* steps,
                                     wgnet_error_t** error) noexcept {
  Cleared(steps);
  return Call(__func__, {{"session", session}}, error, [&]() -> Status {
    Error incomplete{.code = ErrorCode::kRollbackIncomplete,
                     .message = "not all could be taken back"};
    auto report = session->value.Recover();
    if (!report) return std::move(report).error();
    size_t sum = 0;
    for (const auto& each : report->cut_off) sum += static_cast<size_t>(each.rollback.undone);
    for (const auto& each : report->owners) sum += each.steps;
    incomplete.rollback = IncompleteOf(*std::move(report));
    if (incomplete.rollback) return incomplete;
    if (steps != nullptr) *steps = sum;
    return {};
  });
}

wgnet_status_t wgnet_session_plan_cleanup(wgnet_session_t* session, wgnet_plan_t** plan,
                                          wgnet_error_t** error) noexcept {
  return Call(__func__, {{"session", session}, {"plan", Cleared(plan)}}, error,
              [&] { return Give(session->value.PlanCleanup(), plan); });
}

wgnet_status_t wgnet_session_snapshot_json(wgnet_session_t* session, uint32_t secrets, char** text,
                                           wgnet_error_t** error) noexcept {
  const char* function = __func__;
  return Call(function, {{"session", session}, {"text", Cleared(text)}}, error, [&]() -> Status {
    const auto snapshot = session->value.Snapshot();
    if (!snapshot) return snapshot.error();
    return GiveJson(function, secrets, text, [&](Secrets s) { return snapshot->ToJson(s); });
  });
}
