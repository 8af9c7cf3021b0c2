// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/api/setter.h"

#include <net/if.h>

#include <algorithm>

#include "src/base/text.h"

namespace wgnet {
namespace {

// dev_valid_name() of the kernel, and no `%`: the kernel would make "wg0" of "wg%d".
bool IsLinkNameByte(char c) {
  constexpr std::string_view kNot = "/:% \f\n\r\t\v";
  return c != '\0' && kNot.find(c) == kNot.npos;
}

}  // namespace

Result<std::string> CheckLinkName(std::string_view name) {
  if (name.empty() || name.size() >= IFNAMSIZ || name == "." || name == ".." ||
      !std::all_of(name.begin(), name.end(), IsLinkNameByte) || name.ends_with('*')) {
    return Invalid("not an interface name: " + QuoteForMessage(name),
                   "1 to 15 bytes, without slash, colon, percent sign and white space");
  }
  return std::string(name);
}

Result<std::string> CheckLinkPattern(std::string_view pattern) {
  if (pattern.size() > 1 && pattern.ends_with('*')) {
    if (auto stem = CheckLinkName(pattern.substr(0, pattern.size() - 1)); !stem) return stem;
    return std::string(pattern);
  }
  return CheckLinkName(pattern);
}

}  // namespace wgnet
