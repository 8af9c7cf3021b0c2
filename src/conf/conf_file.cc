// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "src/base/no_memory.h"
#include "src/base/replace_file.h"
#include "src/base/secret_memory.h"
#include "src/base/text.h"
#include "src/base/try.h"
#include "src/conf/ascii.h"
#include "src/conf/device.h"
#include "src/conf/interpreter.h"
#include "src/conf/read_file.h"
#include "src/conf/save.h"
#include "src/conf/scan.h"
#include "wgnet/conf.h"

namespace wgnet {

struct ConfFile::Impl {
  std::string name;
  Grammar grammar = Grammar::kWgQuick;
  SecretBuffer bytes;
  std::vector<Line> lines;
  std::vector<Section> sections;
  conf::Meaning meaning;
  std::vector<std::string> warnings;

  std::string_view text() const { return bytes.text(); }
};

namespace {

// The lines from each header up to the next one. Every header is known.
std::vector<ConfFile::Section> Divide(std::span<const ConfFile::Line> lines) {
  std::vector<ConfFile::Section> sections;
  size_t first = 0;
  for (size_t i = 1; i <= lines.size(); ++i) {
    if (i < lines.size() && lines[i].kind != ConfFile::LineKind::kSection) continue;
    const auto kind = conf::SectionOf(lines[first].key).value_or(ConfFile::SectionKind::kNone);
    sections.push_back({kind, lines.subspan(first, i - first)});
    first = i;
  }
  return sections;
}

std::string ReplaceAll(std::string_view text, std::string_view word, std::string_view by) {
  std::string result;
  for (size_t at; (at = text.find(word)) != text.npos; text.remove_prefix(at + word.size())) {
    result.append(text.substr(0, at)).append(by);
  }
  return result.append(text);
}

// wg-quick(8): [a-zA-Z0-9_=+.-]{1,15}. No link can be called "." or "..".
bool IsInterfaceName(std::string_view name) {
  constexpr size_t kLongest = 15;
  constexpr std::string_view kAlso = "_=+.-";
  return !name.empty() && name.size() <= kLongest && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return conf::IsLetter(c) || conf::IsDigit(c) || kAlso.find(c) != kAlso.npos;
         });
}

}  // namespace

ConfFile::ConfFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ConfFile::ConfFile(ConfFile&& other) noexcept = default;
ConfFile& ConfFile::operator=(ConfFile&& other) noexcept = default;
ConfFile::~ConfFile() = default;

Result<ConfFile> ConfFile::Interpret(std::unique_ptr<Impl> impl) {
  WGNET_ASSIGN_OR_RETURN(impl->lines, conf::ScanLines(impl->text(), conf::Report(impl->name)));
  conf::Interpreter interpreter(impl->name, impl->grammar);
  for (const Line& line : impl->lines) WGNET_RETURN_IF_ERROR(interpreter.Take(line));
  WGNET_ASSIGN_OR_RETURN(impl->meaning, interpreter.Finish());
  impl->sections = Divide(impl->lines);
  for (const std::string& warning : interpreter.warnings()) impl->warnings.push_back(warning);
  WipeVectorRegisters();
  return ConfFile(std::move(impl));
}

Result<ConfFile> ConfFile::Parse(std::string_view text, std::string_view name, Grammar grammar) {
  return CatchNoMemory([&]() -> Result<ConfFile> {
    auto impl = std::make_unique<Impl>();
    impl->name = name;
    impl->grammar = grammar;
    impl->bytes.Append(text.data(), text.size());
    return Interpret(std::move(impl));
  });
}

Result<ConfFile> ConfFile::Read(std::string_view path, Grammar grammar) {
  return CatchNoMemory([&]() -> Result<ConfFile> {
    auto impl = std::make_unique<Impl>();
    impl->name = path;
    impl->grammar = grammar;
    WGNET_ASSIGN_OR_RETURN(auto contents, conf::ReadFile(impl->name, conf::kMostBytes));
    impl->bytes = std::move(contents.bytes);
    if (contents.world_accessible && grammar == Grammar::kWgQuick) {
      impl->warnings.push_back(
          fmt::format("{}: the file holds keys, and is world accessible: chmod 600 it", path));
    }
    return Interpret(std::move(impl));
  });
}

Result<ConfFile::Location> ConfFile::Locate(std::string_view argument) {
  constexpr std::string_view kSuffix = ".conf";
  if (IsInterfaceName(argument)) {
    return Location{fmt::format("/etc/wireguard/{}.conf", argument), std::string(argument)};
  }
  std::string_view name = argument.substr(argument.rfind('/') + 1);
  if (name.ends_with(kSuffix)) {
    name.remove_suffix(kSuffix.size());
    if (IsInterfaceName(name)) return Location{std::string(argument), std::string(name)};
  }
  return Error{
      .code = ErrorCode::kInvalidArgument,
      .message = "neither an interface nor a path to INTERFACE.conf: " + QuoteForMessage(argument),
      .where = "argument",
      .hint = "an interface's name is 1 to 15 of a-z A-Z 0-9 _ = + . -"};
}

std::string_view ConfFile::name() const { return impl_->name; }
ConfFile::Grammar ConfFile::grammar() const { return impl_->grammar; }
std::string_view ConfFile::text() const { return impl_->text(); }
std::string ConfFile::ToString() const { return std::string(text()); }
std::span<const ConfFile::Line> ConfFile::lines() const { return impl_->lines; }
std::span<const ConfFile::Section> ConfFile::sections() const { return impl_->sections; }
const ConfFile::Dns& ConfFile::dns() const { return impl_->meaning.dns; }
const std::vector<ConfFile::Hook>& ConfFile::hooks() const { return impl_->meaning.hooks; }
bool ConfFile::save_config() const { return impl_->meaning.save_config; }
const std::vector<std::string>& ConfFile::warnings() const { return impl_->warnings; }

Hooks ConfFile::HooksFor(std::string_view interface_name) const {
  Hooks hooks;
  for (const Hook& hook : impl_->meaning.hooks) {
    std::string command = ReplaceAll(hook.command, "%i", interface_name);
    switch (hook.phase) {
      case HookPhase::kPreUp:
        hooks.pre_up.push_back(std::move(command));
        break;
      case HookPhase::kPostUp:
        hooks.post_up.push_back(std::move(command));
        break;
      case HookPhase::kPreDown:
        hooks.pre_down.push_back(std::move(command));
        break;
      case HookPhase::kPostDown:
        hooks.post_down.push_back(std::move(command));
        break;
    }
  }
  return hooks;
}

std::string ConfFile::WithState(const DeviceStatus& state) const {
  return std::string(conf::WithState(*this, impl_->meaning, state));
}

Status ConfFile::Save(const DeviceStatus& state, const std::string& path) const {
  const SecretString saved = conf::WithState(*this, impl_->meaning, state);
  const int error = saved == text() ? 0 : ReplaceFile(path, saved);
  if (error == 0) return {};
  return Error{.code = ErrorCode::kIo,
               .message = std::string("cannot be written: ") + std::strerror(error),
               .where = path,
               .hint = "see that its directory can be written to",
               .error_number = error};
}

Result<Node> ConfFile::ToNode(std::string_view interface_name, bool with_dns) const {
  if (impl_->meaning.no_node) return *impl_->meaning.no_node;
  Interface interface = impl_->meaning.interface;
  interface.Name(interface_name);
  if (interface.error()) return *interface.error();
  Node node;
  node.Add(std::move(interface));
  wgnet::Dns dns(interface_name);
  for (const auto& server : impl_->meaning.dns.servers) dns.Server(server.value);
  for (const auto& domain : impl_->meaning.dns.search) dns.SearchDomain(domain.value);
  if (with_dns && dns != wgnet::Dns(interface_name)) node.Add(std::move(dns));
  return node;
}

Result<DeviceUpdate> ConfFile::ToDeviceUpdate(std::string_view interface_name, Update how) const {
  return conf::UpdateOf(impl_->meaning, interface_name, how);
}

}  // namespace wgnet
