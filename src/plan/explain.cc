// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/explain.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "src/base/secret_memory.h"
#include "src/base/text.h"
#include "src/base/try.h"
#include "src/base/unique_fd.h"
#include "src/base/write_all.h"

namespace wgnet::plan {
namespace {

// The name of the file for a key: a device's, or the preshared key of a peer.
std::string SecretFileName(const kernel::Object& object) {
  const kernel::LinkRef* dev = kernel::LinkOf(object);
  const std::string link = dev != nullptr ? dev->name.str() : "link";
  const auto* peer = std::get_if<kernel::WgPeer>(&object);
  if (peer == nullptr) return link + ".key";
  std::string id;
  for (const uint8_t byte : peer->public_key->bytes().first(8)) id += fmt::format("{:02x}", byte);
  return link + "." + id + ".psk";
}

std::string QuoteSecretFile(const std::string& name) {
  // A link's name may hold what a shell would expand within double quotes.
  std::string word = "\"$WGNET_SECRETS\"/" + QuoteForShell(name);
  if (QuoteForShell(name) == name) word = "\"$WGNET_SECRETS/" + name + "\"";
  return word;
}

Status WriteNewFile(int directory, const std::string& name, mode_t mode, std::string_view text) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
  const UniqueFd fd(openat(directory, name.c_str(), kFlags, mode));
  int error = fd.ok() && fchmod(fd.get(), mode) == 0 ? 0 : errno;
  if (error == 0) error = WriteAll(fd.get(), text);
  if (error == 0) return {};
  return Error{
      .code = ErrorCode::kIo,
      .message = fmt::format("cannot write {}: {}", QuoteForMessage(name), std::strerror(error)),
      .where = "directory",
      .hint = "name a new directory, or one that can be written to",
      .error_number = error};
}

}  // namespace

netlink::SecretWord SecretFileOf(const Op& op) {
  return [word = QuoteSecretFile(SecretFileName(op.object))](const SecretKey&) { return word; };
}

std::string Explain(const Op& op) {
  std::string text;
  for (const std::string& command : CommandsOf(op, SecretFileOf(op))) text += command + "\n";
  return text;
}

std::string FirstCommandOf(const Op& op) {
  const auto commands = CommandsOf(op, SecretFileOf(op));
  return commands.empty() ? "" : commands.front();
}

std::string Explain(const PlanData& plan) {
  std::string text;
  ForEachStep(
      plan, [&](const Op& op) { text += Explain(op); },
      [&](const HookStep& hook) { text += ShellCommandOf(hook) + "\n"; });
  return text;
}

Status ExplainScript(const PlanData& plan, const std::string& directory) {
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return Error{.code = ErrorCode::kIo,
                 .message = fmt::format("cannot make {}: {}", QuoteForMessage(directory),
                                        std::strerror(errno)),
                 .where = "directory",
                 .hint = "name a new directory, or one that can be written to",
                 .error_number = errno};
  }
  const UniqueFd dir(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  Status status;
  std::string script =
      "#!/bin/sh\n# Each command does one step of a wgnet plan.\nset -e\n"
      "WGNET_SECRETS=${WGNET_SECRETS:-$(dirname -- \"$0\")}\n";
  const auto add_op = [&](const Op& op) {
    const auto save_key = [&](const SecretKey& key) {
      std::string text = key.Reveal();
      SecretString line(text.size() + 1, '\n');
      CopySecretBytes(line.data(), text.data(), text.size());
      WipeMemory(text.data(), text.size());
      if (status) status = WriteNewFile(dir.get(), SecretFileName(op.object), 0600, line);
      return SecretFileOf(op)(key);
    };
    for (const std::string& command : CommandsOf(op, save_key)) script += command + "\n";
  };
  ForEachStep(plan, add_op, [&](const HookStep& hook) { script += ShellCommandOf(hook) + "\n"; });
  WGNET_RETURN_IF_ERROR(status);
  return WriteNewFile(dir.get(), "apply.sh", 0700, script);
}

void WriteJson(const Op& op, Secrets secrets, JsonWriter& out) {
  out.Object([&] {
    out.Key("verb").String(kernel::VerbName(op.verb));
    out.Key("kind").String(kernel::KindOf(op.object));
    out.Key("object").Object([&] { kernel::WriteJsonMembers(op.object, secrets, out); });
    if (op.verb == kernel::Verb::kChange) {
      out.Key("before").Object([&] { kernel::WriteJsonMembers(op.before, secrets, out); });
    }
    if (op.foreign) out.Key("foreign").Bool(true);
    if (op.undo_only) out.Key("undo_only").Bool(true);
    out.Key("commands").Array([&] {
      for (const std::string& command : CommandsOf(op, SecretFileOf(op))) out.String(command);
    });
  });
}

void WriteJson(const HookStep& hook, JsonWriter& out) {
  out.Object([&] {
    out.Key("verb").String("run");
    out.Key("kind").String("hook");
    out.Key("commands").Array([&] { out.String(hook.command); });
  });
}

}  // namespace wgnet::plan
