// SPDX-License-Identifier: MIT OR Apache-2.0
// Watching.
#include <chrono>

#include "capi/handles.h"

namespace {

using wgnet::Status;
using wgnet::WatchOptions;
using wgnet::capi::Call;
using wgnet::capi::Cleared;
using wgnet::capi::Give;
using wgnet::capi::GiveText;
using wgnet::capi::ReadOptions;

using std::chrono::milliseconds;

WatchOptions OptionsOf(const wgnet_watch_options_t& given) {
  WatchOptions options;
  if (given.keep != nullptr) options.keep = given.keep->value;
  if (given.debounce_ms != 0) {
    options.debounce = milliseconds(std::max<int64_t>(given.debounce_ms, 0));
  }
  if (given.poll_interval_ms != 0) options.poll_interval = milliseconds(given.poll_interval_ms);
  if (given.peer_timeout_ms != 0) {
    options.peer_timeout =
        std::chrono::ceil<std::chrono::seconds>(milliseconds(given.peer_timeout_ms));
  }
  if (given.repair_burst != 0) options.repair_burst = given.repair_burst;
  if (given.receive_buffer != 0) options.receive_buffer = given.receive_buffer;
  if (given.repair_interval_ms != 0) {
    options.repair_interval = milliseconds(given.repair_interval_ms);
  }
  return options;
}

Status ReadEvents(wgnet_watcher_t& watcher, char** text) {
  if (watcher.untold.empty()) {
    auto events = watcher.value.Read();
    if (!events) return std::move(events).error();
    watcher.untold = *std::move(events);
  }
  if (watcher.untold.empty()) return {};
  std::string lines;
  for (const wgnet::Event& event : watcher.untold) lines += event.ToJson() + "\n";
  Status given = GiveText(std::move(lines), text);
  if (given) watcher.untold.clear();
  return given;
}

}  // namespace

wgnet_status_t wgnet_session_watch(wgnet_session_t* session, const wgnet_watch_options_t* options,
                                   wgnet_watcher_t** watcher, wgnet_error_t** error) noexcept {
  const char* function = __func__;
  return Call(function, {{"session", session}, {"watcher", Cleared(watcher)}}, error,
              [&]() -> Status {
                wgnet_watch_options_t known = {};
                Status read = ReadOptions(options, function, known);
                if (!read) return read;
                return Give(session->value.Watch(OptionsOf(known)), watcher);
              });
}

int32_t wgnet_watcher_fd(const wgnet_watcher_t* watcher) noexcept {
  return watcher != nullptr ? watcher->value.fd() : -1;
}

wgnet_status_t wgnet_watcher_read_json(wgnet_watcher_t* watcher, char** text,
                                       wgnet_error_t** error) noexcept {
  return Call(__func__, {{"watcher", watcher}, {"text", Cleared(text)}}, error,
              [&] { return ReadEvents(*watcher, text); });
}

void wgnet_watcher_close(wgnet_watcher_t* watcher) noexcept { delete watcher; }
