// SPDX-License-Identifier: MIT OR Apache-2.0
// What is behind the handles of wgnet/c.h, and what all its calls have in common.
#ifndef WGNET_CAPI_HANDLES_H_
#define WGNET_CAPI_HANDLES_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wgnet/c.h"
#include "wgnet/wgnet.h"

struct wgnet_error {
  wgnet::Error value;
  std::string text;
};

struct wgnet_node {
  wgnet::Node value;
  std::vector<std::string> warnings;
};

struct wgnet_plan {
  wgnet::Plan value;
};

struct wgnet_session {
  wgnet::Session value;
};

struct wgnet_watcher {
  wgnet::Watcher value;
  std::vector<wgnet::Event> untold;  // there was no memory for their text
};

namespace wgnet::capi {

// ---- arguments ----

struct Argument {
  template <class T>
  Argument(const char* argument, T* value) : name(argument), is_null(value == nullptr) {}

  const char* name;
  bool is_null;
};

template <class T>
T* Cleared(T* out) {
  if (out != nullptr) *out = {};
  return out;
}

inline std::string_view TextOrNone(const char* text) { return text != nullptr ? text : ""; }

inline Error Invalid(std::string message, const char* function, std::string_view argument) {
  return {.code = ErrorCode::kInvalidArgument,
          .message = std::move(message),
          .where = std::string(function) + ": " + std::string(argument)};
}

inline Status CheckFlag(uint32_t flag, uint32_t most, const char* function,
                        std::string_view argument) {
  return flag <= most ? Status() : Invalid("no such flag", function, argument);
}

// Copies the members that the caller knows; the others stay zero, and so do all of NULL.
template <class Options>
Status ReadOptions(const Options* given, const char* function, Options& options) {
  if (given == nullptr) return {};
  constexpr size_t kMost = 4096;
  const size_t size = given->struct_size;
  const auto* bytes = reinterpret_cast<const char*>(given);
  bool known = size >= sizeof size && size <= kMost && size % alignof(Options) == 0;
  for (size_t i = sizeof options; known && i < size; ++i) known = bytes[i] == 0;
  if (!known) {
    return Invalid("it has a wrong struct_size, or options that are not known here", function,
                   "options");
  }
  std::memcpy(&options, bytes, std::min(size, sizeof options));
  return {};
}

// `member` is one of the options, which has a count. `take` is given each text, and its place.
template <class Take>
Status ReadList(const char* const* list, size_t count, const char* function, std::string member,
                Take&& take) {
  if (list == nullptr && count > 0) return Invalid("the list is NULL", function, member);
  for (size_t i = 0; i < count; ++i) {
    const std::string place = member + "[" + std::to_string(i) + "]";
    if (list[i] == nullptr) return Invalid("the text is NULL", function, place);
    Status taken = take(list[i], place);
    if (!taken) return taken;
  }
  return {};
}

// ---- results ----

inline Error NoMemory() {
  // Short enough for std::string to need no memory.
  return {.code = ErrorCode::kNoMemory, .message = "memory ran out"};
}

inline wgnet_status_t Deliver(Error error, wgnet_error_t** out) noexcept {
  const auto status = static_cast<wgnet_status_t>(error.code);
  if (out == nullptr) return status;
  try {
    std::string text = error.ToString();
    *out = new wgnet_error{std::move(error), std::move(text)};
  } catch (const std::bad_alloc&) {
    // The status alone tells.
  }
  return status;
}

// Runs `body`, which returns a Status, unless one of `required` is null.
template <class Body>
wgnet_status_t Call(const char* function, std::initializer_list<Argument> required,
                    wgnet_error_t** error, Body&& body) noexcept {
  Cleared(error);
  try {
    for (const Argument& argument : required) {
      if (!argument.is_null) continue;
      return Deliver(Invalid("the argument is NULL", function, argument.name), error);
    }
    Status status = body();
    return status ? WGNET_OK : Deliver(std::move(status).error(), error);
  } catch (const std::bad_alloc&) {
    return Deliver(NoMemory(), error);
  }
}

template <class Handle, class T>
Status Give(Result<T> made, Handle** handle) {
  if (!made) return std::move(made).error();
  *handle = new Handle{*std::move(made)};
  return {};
}

// The text may hold keys, so no copy stays behind.
inline Status GiveText(std::string made, char** text) {
  *text = new (std::nothrow) char[made.size() + 1];
  if (*text != nullptr) std::memcpy(*text, made.c_str(), made.size() + 1);
  explicit_bzero(made.data(), made.size());
  return *text != nullptr ? Status() : NoMemory();
}

inline Status GiveSteps(Result<ApplyReport> report, size_t* steps) {
  if (!report) return std::move(report).error();
  if (steps != nullptr) *steps = report->steps;
  return {};
}

}  // namespace wgnet::capi

#endif  // WGNET_CAPI_HANDLES_H_
