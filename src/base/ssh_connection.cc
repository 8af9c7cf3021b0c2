// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/base/ssh_connection.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "src/base/read_file.h"

namespace wgnet {
namespace {

constexpr std::string_view kVariable = "SSH_CONNECTION=";
constexpr int kMostParents = 64;

std::string_view TakeWord(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(word.size() + 1, text.size()));
  return word;
}

std::string ReadOf(pid_t pid, std::string_view file) {
  std::string text;
  ReadSmallFile("/proc/" + std::to_string(pid) + "/" + std::string(file), text);
  return text;
}

std::optional<SshConnection> ConnectionOf(pid_t pid) {
  const std::string variables = ReadOf(pid, "environ");
  std::string_view rest = variables;
  while (!rest.empty()) {
    const std::string_view variable = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(variable.size() + 1, rest.size()));
    if (variable.starts_with(kVariable)) {
      return SshConnection::Parse(variable.substr(kVariable.size()));
    }
  }
  return std::nullopt;
}

// 0: it is not known.
pid_t ParentOf(pid_t pid) {
  const std::string text = ReadOf(pid, "status");
  constexpr std::string_view kParent = "\nPPid:\t";
  const size_t at = text.find(kParent);
  pid_t parent = 0;
  if (at != text.npos) {
    std::from_chars(text.data() + at + kParent.size(), text.data() + text.size(), parent);
  }
  return parent;
}

}  // namespace

std::optional<SshConnection> SshConnection::Parse(std::string_view text) {
  const auto client = IpAddress::Parse(TakeWord(text));
  TakeWord(text);
  const auto server = IpAddress::Parse(TakeWord(text));
  if (!client || !server || client->family() != server->family()) return std::nullopt;
  return SshConnection{*client, *server};
}

std::optional<SshConnection> FindSshConnection(pid_t pid) {
  for (int generation = 0; pid > 0 && generation < kMostParents; ++generation) {
    if (auto connection = ConnectionOf(pid)) return connection;
    pid = ParentOf(pid);
  }
  return std::nullopt;
}

}  // namespace wgnet
