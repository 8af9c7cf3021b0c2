// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/dns/resolvconf.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "src/base/read_file.h"
#include "src/base/text.h"
#include "src/dns/resolv_conf.h"

namespace wgnet::dns {
namespace {

namespace fs = std::filesystem;

constexpr char kProgram[] = "resolvconf";
constexpr char kInterfaceOrder[] = "/etc/resolvconf/interface-order";
// Where openresolv keeps records, the older one in the second, and where Debian's program does.
constexpr const char* kOpenresolvRecords[] = {"/run/resolvconf/keys", "/run/resolvconf/interfaces"};
constexpr char kExclusive[] = "/run/resolvconf/exclusive";
constexpr char kDebianRecords[] = "/run/resolvconf/interface";

// As execvp(3) looks for it; "" where it is not.
std::string FindProgram() {
  const char* const variable = std::getenv("PATH");
  std::string_view path = variable != nullptr ? variable : "/bin:/usr/bin";
  while (true) {
    const size_t colon = path.find(':');
    const std::string file = std::string(path.substr(0, colon)) + "/" + kProgram;
    if (access(file.c_str(), X_OK) == 0) return file;
    if (colon == path.npos) return "";
    path.remove_prefix(colon + 1);
  }
}

std::vector<std::string> NamesIn(const char* directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator file(directory, error), end; !error && file != end;
       file.increment(error)) {
    names.push_back(file->path().filename().string());
  }
  return names;
}

// openresolv has a file "NUMBER LABEL" for each.
bool IsExclusive(const std::string& label) {
  const auto names = NamesIn(kExclusive);
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return name.ends_with(" " + label); });
}

bool IsLabelByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

Status Outcome(int status, const std::string& label) {
  if (status == 0) return {};
  const bool ran = status > 0;
  return Error{.code = ErrorCode::kDns,
               .message = "resolvconf failed for " + QuoteForMessage(label) + ": " +
                          (ran ? "status " + std::to_string(status) : std::strerror(-status)),
               .hint = "see what it printed, or set another backend",
               .error_number = ran ? 0 : -status};
}

}  // namespace

ResolvconfProgram FindResolvconf() {
  const std::string program = FindProgram();
  char real[PATH_MAX];
  if (program.empty() || realpath(program.c_str(), real) == nullptr) {
    return ResolvconfProgram::kNone;
  }
  return std::string_view(real).ends_with("/resolvectl") ? ResolvconfProgram::kResolvectl
                                                         : ResolvconfProgram::kOther;
}

std::string PrefixFrom(std::string_view interface_order) {
  while (!interface_order.empty()) {
    const size_t end = interface_order.find('\n');
    std::string_view line = interface_order.substr(0, end);
    interface_order.remove_prefix(end == line.npos ? line.size() : end + 1);
    if (!line.ends_with('*')) continue;
    line.remove_suffix(1);
    if (line.empty() || !std::all_of(line.begin(), line.end(), IsLabelByte)) continue;
    return std::string(line) + ".";
  }
  return "";
}

std::string ResolvconfPrefix() {
  std::string order;
  const std::string program = FindProgram();
  std::error_code error;
  if (program.empty() || fs::is_symlink(program, error)) return "";
  return ReadSmallFile(kInterfaceOrder, order) == 0 ? PrefixFrom(order) : "";
}

Result<std::optional<DnsConfig>> Resolvconf::Read(const std::string& label) const {
  if (FindProgram().empty()) return std::optional<DnsConfig>();
  std::string record;
  for (const char* const directory : kOpenresolvRecords) {
    if (ReadSmallFile(std::string(directory) + "/" + label, record) != 0) continue;
    DnsConfig config = ReadLines(record);
    config.exclusive = IsExclusive(label);
    return std::optional(std::move(config));
  }
  if (ReadSmallFile(std::string(kDebianRecords) + "/" + label, record) == 0) {
    return std::optional(ReadLines(record));
  }
  return std::optional<DnsConfig>();
}

Status Resolvconf::Write(const std::string& label, const DnsConfig& config) const {
  Process process{.arguments = {kProgram, "-a", label, "-m", "0"}, .input = LinesOf(config)};
  if (config.exclusive.value_or(false)) process.arguments.emplace_back("-x");
  return Outcome(runner_->Run(process), label);
}

Status Resolvconf::Remove(const std::string& label) const {
  return Outcome(runner_->Run({.arguments = {kProgram, "-d", label, "-f"}}), label);
}

std::vector<std::string> Resolvconf::List() const {
  std::vector<std::string> labels;
  for (const char* directory : {kOpenresolvRecords[0], kOpenresolvRecords[1], kDebianRecords}) {
    for (std::string& name : NamesIn(directory)) {
      if (name.ends_with(DnsHost::kSuffix)) labels.push_back(std::move(name));
    }
  }
  return labels;
}

}  // namespace wgnet::dns
