// SPDX-License-Identifier: MIT OR Apache-2.0
#include "input.h"

#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace cli {
namespace {

using wgnet::ConfFile;
using wgnet::Error;
using wgnet::ErrorCode;
using wgnet::Result;

constexpr size_t kMostBytes = 64 << 20;  // of a document: Node::FromJson
constexpr std::string_view kBlanks = " \t\r\n";

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ > STDERR_FILENO) close(fd_);
  }
  int fd() const { return fd_; }
  bool IsRegular() const {
    struct stat info;
    return fstat(fd_, &info) == 0 && S_ISREG(info.st_mode);
  }

 private:
  int fd_;
};

Error Unreadable(std::string_view name, int error_number) {
  return {.code = ErrorCode::kIo,
          .message = std::string("cannot be read: ") + strerror(error_number),
          .where = std::string(name),
          .hint = error_number == ENOENT
                      ? "NAME alone means /etc/wireguard/NAME.conf; a file elsewhere is ./NAME.conf"
                      : "name a file, or a pipe, that can be read",
          .error_number = error_number};
}

bool IsDocument(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  return first != text.npos && text[first] == '{';
}

// Leaves the file at its start.
bool BeginsDocument(int fd) {
  SecretText head(4096, '\0');
  const ssize_t size = pread(fd, head.data(), head.size(), 0);
  return size > 0 && IsDocument(std::string_view(head).substr(0, static_cast<size_t>(size)));
}

// ---- what a plan cannot hold ----

constexpr const char* kDns = "DNS";
// Only `up` and `down` carry these out.
constexpr const char* kHooks[] = {"PreUp", "PostUp", "PreDown", "PostDown", "SaveConfig"};

// The key of a line of wg-quick(8)'s that says something; null for others.
const char* KnownKey(const ConfFile& file, const ConfFile::Line& line) {
  if (!line.is_wg_quick || line.value.empty()) return nullptr;
  const std::string written(line.key);
  const auto is_it = [&](const char* key) { return strcasecmp(written.c_str(), key) == 0; };
  if (is_it(kDns)) return kDns;
  if (is_it("SaveConfig") && !file.save_config()) return nullptr;
  const auto hook = std::find_if(std::begin(kHooks), std::end(kHooks), is_it);
  return hook == std::end(kHooks) ? nullptr : *hook;
}

struct LeftOut {
  std::vector<std::string> skipped;
  std::string refused;  // "2 (PreUp), 7 (PostUp)"
};

LeftOut LeaveOut(const ConfFile& file, const Arguments& arguments, HookUse use) {
  LeftOut result;
  for (const ConfFile::Line& line : file.lines()) {
    const char* key = KnownKey(file, line);
    if (key == nullptr) continue;
    const bool skip = key == kDns ? arguments.skip_dns : arguments.skip_hooks;
    const bool done = key == kDns || use == HookUse::kRun;
    const std::string number = std::to_string(line.number);
    if (skip) {
      result.skipped.push_back(std::string(file.name()) + ":" + number + ": " + key +
                               " is skipped");
    } else if (!done) {
      result.refused += (result.refused.empty() ? "" : ", ") + number + " (" + key + ")";
    }
  }
  return result;
}

Error Refusal(const ConfFile& file, const LeftOut& left_out) {
  return {.code = ErrorCode::kNotSupported,
          .message = "these lines are carried out by up and down only: " + left_out.refused,
          .where = std::string(file.name()),
          .hint = "--skip hooks leaves them out"};
}

// ---- the two kinds of input ----

// A place is LINE:COLUMN, a path in the document, or a builder.
Error InDocument(std::string_view name, Error error) {
  const bool is_position = !error.where.empty() && error.where[0] >= '0' && error.where[0] <= '9';
  error.where = std::string(name) + (is_position ? ":" : ": ") + error.where;
  return error;
}

Result<Input> FromDocument(std::string_view text, std::string_view name,
                           const Arguments& arguments) {
  if (!arguments.interface.empty()) {
    return Error{.code = ErrorCode::kInvalidArgument,
                 .message = "--interface is for a wg-quick file; a document names its interfaces",
                 .where = std::string(name),
                 .hint = "leave --interface out"};
  }
  auto node = wgnet::Node::FromJson(text);
  if (!node) return InDocument(name, node.error());
  if (const auto whole = node->Check(); !whole) return InDocument(name, whole.error());
  const std::string owner = arguments.owner.empty() ? arguments.session.owner : arguments.owner;
  return Input{.node = *std::move(node), .owner = owner};
}

Result<Input> FromConf(const Result<ConfFile>& file, const Source& source,
                       const Arguments& arguments, HookUse use) {
  if (!file) return file.error();
  return InputOf(*file, arguments.interface.empty() ? source.interface : arguments.interface,
                 arguments, use);
}

// A pipe can be read only once, so its whole text decides; a file is opened by those who parse it.
Result<Input> FromPipe(int fd, const Source& source, const Arguments& arguments, HookUse use) {
  const std::string name = source.path == "-" ? "<stdin>" : source.path;
  const auto text = ReadAll(fd, name, kMostBytes);
  if (!text) return text.error();
  if (IsDocument(*text)) return FromDocument(*text, name, arguments);
  return FromConf(ConfFile::Parse(*text, name), source, arguments, use);
}

Result<Input> FromFile(int fd, const Source& source, const Arguments& arguments, HookUse use) {
  if (!BeginsDocument(fd)) return FromConf(ConfFile::Read(source.path), source, arguments, use);
  const auto text = ReadAll(fd, source.path, kMostBytes);
  if (!text) return text.error();
  return FromDocument(*text, source.path, arguments);
}

}  // namespace

Result<Source> FindSource(std::string_view argument) {
  if (argument == "-" || argument.ends_with(".json")) return Source{std::string(argument), ""};
  auto location = ConfFile::Locate(argument);
  if (location) return Source{location->path, location->interface};
  if (argument.find('/') != argument.npos) return Source{std::string(argument), ""};
  return location.error();
}

Result<Input> LoadInput(const Arguments& arguments, HookUse use) {
  const auto source = FindSource(arguments.input);
  if (!source) return source.error();
  if (source->path == "-") return FromPipe(STDIN_FILENO, *source, arguments, use);
  const File file(open(source->path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (file.fd() < 0) return Unreadable(source->path, errno);
  return file.IsRegular() ? FromFile(file.fd(), *source, arguments, use)
                          : FromPipe(file.fd(), *source, arguments, use);
}

Result<Input> InputOf(const ConfFile& file, std::string_view interface, const Arguments& arguments,
                      HookUse use) {
  if (interface.empty()) {
    return Error{.code = ErrorCode::kInvalidArgument,
                 .message = "a wg-quick file does not say for which interface it is",
                 .where = std::string(file.name()),
                 .hint = "give --interface NAME"};
  }
  LeftOut left_out = LeaveOut(file, arguments, use);
  if (!left_out.refused.empty()) return Refusal(file, left_out);
  auto node = file.ToNode(interface, !arguments.skip_dns);
  if (!node) {
    node.error().where = "--interface";  // a name that a path gave is one
    return node.error();
  }
  Input input{.node = *std::move(node),
              .owner = arguments.owner.empty() ? QuickOwner(interface) : arguments.owner,
              .warnings = file.warnings()};
  if (use == HookUse::kRun && !arguments.skip_hooks) input.hooks = file.HooksFor(interface);
  input.warnings.insert(input.warnings.end(), left_out.skipped.begin(), left_out.skipped.end());
  return input;
}

std::string QuickOwner(std::string_view interface) { return "wg-quick:" + std::string(interface); }

Result<SecretText> ReadFile(const std::string& path, size_t most) {
  const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (file.fd() < 0) return Unreadable(path, errno);
  return ReadAll(file.fd(), path, most);
}

Result<SecretText> ReadAll(int fd, std::string_view name, size_t most) {
  constexpr size_t kPiece = 64 << 10;
  SecretText text;
  size_t filled = 0;
  while (true) {
    if (filled == text.size()) text.resize(std::max(kPiece, 2 * filled));
    const ssize_t got = read(fd, text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unreadable(name, errno);
    if (got == 0) break;
    filled += static_cast<size_t>(got);
    if (filled > most) return Unreadable(name, EFBIG);
  }
  text.resize(filled);
  return text;
}

}  // namespace cli
