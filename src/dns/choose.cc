// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/dns/choose.h"

#include <algorithm>

#include "src/base/text.h"
#include "src/dns/resolv_conf.h"

namespace wgnet::dns {
namespace {

using File = Facts::File;

Error Nobody(std::string message, std::string hint) {
  return {.code = ErrorCode::kNotSupported, .message = std::move(message), .hint = std::move(hint)};
}

bool HasResolved(const Facts& facts) {
  return facts.resolved.answers && facts.resolved.is_in_namespace;
}

// ---- what was asked for ----

Status CheckResolved(const ResolvedState& resolved) {
  if (!resolved.is_built_in) {
    return Nobody("this build of wgnet does not know systemd-resolved", "build it with libsystemd");
  }
  if (!resolved.answers) {
    return Nobody("systemd-resolved does not answer",
                  "`systemctl start systemd-resolved`, or set another backend");
  }
  if (!resolved.is_in_namespace) {
    return Nobody("systemd-resolved is in another network namespace, and sees other links",
                  "set another backend");
  }
  return {};
}

// The file of a namespace is found by its name.
Result<DnsBackend> FileAbroad(const Facts& facts) {
  if (!facts.netns_name.empty()) return DnsBackend::kFile;
  return Nobody("a namespace without a name has no resolv.conf of its own",
                "run in the namespace, or name it with ip-netns(8)");
}

Result<DnsBackend> CheckWanted(DnsBackend wanted, const Facts& facts) {
  if (wanted == DnsBackend::kFile) return facts.is_own_namespace ? wanted : FileAbroad(facts);
  if (!facts.is_own_namespace) {
    return Nobody(std::string(DnsBackendName(wanted)) + " sets the names of another namespace",
                  "run in the namespace, or have its /etc/netns/NAME/resolv.conf written");
  }
  if (wanted == DnsBackend::kResolved) {
    const Status usable = CheckResolved(facts.resolved);
    return usable ? Result<DnsBackend>(wanted) : Result<DnsBackend>(usable.error());
  }
  if (facts.resolvconf == ResolvconfProgram::kNone) {
    return Nobody("there is no resolvconf in PATH", "install openresolv, or set another backend");
  }
  return wanted;
}

// ---- what is best ----

// Who keeps the file has to be told; where the file is not asked, who is asked.
Result<DnsBackend> ChooseHere(const Facts& facts) {
  const bool asks_resolved = facts.file == File::kResolved || facts.switch_asks_resolved ||
                             facts.resolvconf == ResolvconfProgram::kResolvectl;
  if (HasResolved(facts) && asks_resolved) return DnsBackend::kResolved;
  if (facts.file == File::kMounted) return DnsBackend::kFile;
  if (facts.resolvconf == ResolvconfProgram::kOther) return DnsBackend::kResolvconf;
  if (facts.file == File::kPlain || facts.file == File::kMissing) return DnsBackend::kFile;
  if (facts.file == File::kResolved) {
    const Status why = CheckResolved(facts.resolved);
    if (!why) return why.error();
  }
  if (facts.file == File::kResolvconf) {
    return Nobody("resolvconf keeps /etc/resolv.conf, and is not in PATH",
                  "install it, or make /etc/resolv.conf a file");
  }
  return Nobody(
      "another program keeps /etc/resolv.conf: it is a link to " + QuoteForMessage(facts.keeper),
      "install openresolv or systemd-resolved, or make it a file");
}

std::string_view LineOf(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

}  // namespace

Result<DnsBackend> Choose(std::optional<DnsBackend> wanted, const Facts& facts) {
  if (wanted) return CheckWanted(*wanted, facts);
  return facts.is_own_namespace ? ChooseHere(facts) : FileAbroad(facts);
}

Facts::File FileOf(std::string_view link_target, std::string_view text) {
  if (link_target.starts_with("/run/systemd/resolve/") ||
      link_target.starts_with("/usr/lib/systemd/") || link_target.starts_with("/lib/systemd/")) {
    return File::kResolved;
  }
  if (link_target.starts_with("/run/resolvconf/") || link_target.starts_with("/etc/resolvconf/")) {
    return File::kResolvconf;
  }
  if (link_target.starts_with("/run/") || link_target.starts_with("/var/run/")) return File::kOther;
  const auto servers = ReadLines(text).servers;
  const bool is_stub = servers.size() == 1 && (servers[0].ToString() == "127.0.0.53" ||
                                               servers[0].ToString() == "127.0.0.54");
  return is_stub ? File::kResolved : File::kPlain;
}

bool AsksResolved(std::string_view nsswitch) {
  while (!nsswitch.empty()) {
    std::string_view line = LineOf(nsswitch);
    line = line.substr(0, line.find('#'));
    if (!line.starts_with("hosts:")) continue;
    std::string words = " " + std::string(line.substr(6)) + " ";
    std::replace(words.begin(), words.end(), '\t', ' ');
    if (words.find(" resolve ") != words.npos) return true;
  }
  return false;
}

}  // namespace wgnet::dns
