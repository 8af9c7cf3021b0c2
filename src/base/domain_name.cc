// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>

#include "src/base/text.h"
#include "wgnet/dns.h"

namespace wgnet {
namespace {

constexpr size_t kMostBytes = 253;
constexpr size_t kMostLabelBytes = 63;

bool IsLabelByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

bool IsLabel(std::string_view label) {
  return !label.empty() && label.size() <= kMostLabelBytes &&
         std::all_of(label.begin(), label.end(), IsLabelByte);
}

bool IsName(std::string_view name) {
  if (name.size() > kMostBytes) return false;
  while (true) {
    const size_t dot = name.find('.');
    if (!IsLabel(name.substr(0, dot))) return false;
    if (dot == name.npos) return true;
    name.remove_prefix(dot + 1);
  }
}

struct BackendName {
  DnsBackend backend;
  std::string_view name;
};

constexpr BackendName kBackendNames[] = {{DnsBackend::kResolved, "resolved"},
                                         {DnsBackend::kResolvconf, "resolvconf"},
                                         {DnsBackend::kFile, "file"}};

}  // namespace

Result<DomainName> DomainName::Parse(std::string_view text) {
  DomainName domain;
  std::string_view name = text;
  domain.is_routing_only_ = name.starts_with('~');
  if (domain.is_routing_only_) name.remove_prefix(1);
  if (domain.is_routing_only_ && name == ".") return domain;
  if (name.ends_with('.')) name.remove_suffix(1);
  if (!IsName(name)) {
    return Error{.code = ErrorCode::kParse,
                 .message = "not a domain name: " + QuoteForMessage(text),
                 .hint =
                     "such as corp.example, or ~corp.example; other letters than ASCII's are "
                     "written as xn--..."};
  }
  domain.name_ = name;
  return domain;
}

std::string_view DnsBackendName(DnsBackend backend) {
  const auto* known = std::find_if(std::begin(kBackendNames), std::end(kBackendNames),
                                   [&](const auto& each) { return each.backend == backend; });
  return known->name;
}

Result<DnsBackend> ParseDnsBackend(std::string_view name) {
  for (const BackendName& known : kBackendNames) {
    if (known.name == name) return known.backend;
  }
  return Error{.code = ErrorCode::kParse,
               .message = "not a way to set name servers: " + QuoteForMessage(name),
               .hint = "resolved, resolvconf or file"};
}

}  // namespace wgnet
