// SPDX-License-Identifier: MIT OR Apache-2.0
// Names of endpoints: how long they are looked up, and looking them up again.
#include <climits>
#include <cstdlib>
#include <string>
#include <utility>

#include "command.h"
#include "input.h"
#include "wgnet/reresolve.h"

namespace cli {
namespace {

constexpr char kRetries[] = "WG_ENDPOINT_RESOLUTION_RETRIES";

// As wg(8) reads it: strtoul(3) to the end, or "infinity".
wgnet::Status ReadRetries(wgnet::SessionOptions& options) {
  const char* text = std::getenv(kRetries);
  if (text == nullptr) return {};
  if (std::string_view(text) == "infinity") {
    options.resolve_retries.reset();
    options.resolve_timeout.reset();
    return {};
  }
  char* end = nullptr;
  const unsigned long retries = std::strtoul(text, &end, 10);
  if (*end != '\0' || retries > INT_MAX) {
    return wgnet::Error{.code = wgnet::ErrorCode::kInvalidArgument,
                        .message = "it is neither a number nor infinity",
                        .where = kRetries,
                        .hint = "unset it, or give how often a name is looked up again"};
  }
  options.resolve_retries = static_cast<uint32_t>(retries);
  return {};
}

wgnet::Result<wgnet::Session> OpenWith(const Arguments& arguments, std::string_view owner,
                                       std::optional<std::chrono::milliseconds> timeout,
                                       std::shared_ptr<wgnet::ProcessRunner> runner) {
  Arguments resolving = arguments;
  resolving.session.resolve_timeout = timeout;
  if (const auto read = ReadRetries(resolving.session); !read) return read.error();
  if (arguments.resolve_timeout) {
    resolving.session.resolve_timeout = std::chrono::seconds(*arguments.resolve_timeout);
  }
  return OpenSession(resolving, owner, std::move(runner));
}

}  // namespace

wgnet::Result<wgnet::Session> OpenResolvingSession(const Arguments& arguments,
                                                   std::string_view owner,
                                                   std::shared_ptr<wgnet::ProcessRunner> runner) {
  return OpenWith(arguments, owner, arguments.session.resolve_timeout, std::move(runner));
}

wgnet::Result<wgnet::Session> OpenSessionOfWg(const Arguments& arguments) {
  return OpenWith(arguments, arguments.session.owner, std::nullopt, nullptr);
}

Outcome Resolve(const Arguments& arguments, const Console& console) {
  Arguments names_only = arguments;
  names_only.skip_dns = true;
  // Warnings about the file were given when it was applied; a timer would repeat them for ever.
  const auto input = LoadInput(names_only, HookUse::kRun);
  if (!input) return input.error();
  auto session = OpenResolvingSession(arguments, input->owner);
  if (!session) return session.error();
  auto reresolve = wgnet::Reresolve::Of(input->node);
  reresolve.older_than = std::chrono::seconds(arguments.older_than);
  return BringTo(reresolve, *session, console);
}

}  // namespace cli
