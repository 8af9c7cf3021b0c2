// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/dns/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "src/base/read_file.h"
#include "src/base/replace_file.h"
#include "src/base/text.h"
#include "src/base/try.h"
#include "src/base/unique_fd.h"

namespace wgnet::dns {
namespace {

// A namespace's id begins with the boot's: a UUID.
constexpr size_t kBootIdSize = 36;

// Several namespaces, each with a lock of its own, may share a file. Only root can hold this one.
constexpr char kLock[] = "/run/wgnet.resolv.conf.lock";

Error Failed(const std::string& path, std::string_view what, int error_number) {
  return {.code = ErrorCode::kDns,
          .message = QuoteForMessage(path) + " cannot be " + std::string(what) + ": " +
                     std::strerror(error_number),
          .hint = "see that it is a file of root's, in a directory that can be written to",
          .error_number = error_number};
}

Result<std::optional<std::string>> ReadText(const std::string& path) {
  std::string text;
  const int error = ReadSmallFile(path, text);
  if (error == ENOENT) return std::optional<std::string>();
  if (error != 0) return Failed(path, "read", error);
  return std::optional(std::move(text));
}

// A file that is mounted, as containers have it, cannot be replaced. The text is written at once,
// with blank lines over what was longer, so that it is whole whenever the process ends.
int WriteInPlace(const std::string& path, std::string text) {
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  struct stat old;
  if (!fd.ok() || fstat(fd.get(), &old) != 0) return errno;
  const size_t size = text.size();
  if (static_cast<size_t>(old.st_size) > size) text.resize(static_cast<size_t>(old.st_size), '\n');
  const ssize_t written = pwrite(fd.get(), text.data(), text.size(), 0);
  if (written < 0) return errno;
  if (static_cast<size_t>(written) != text.size()) return EIO;
  return ftruncate(fd.get(), static_cast<off_t>(size)) == 0 ? 0 : errno;
}

// 0 or an errno.
int Put(const std::string& path, const std::optional<std::string>& text) {
  if (!text) return unlink(path.c_str()) == 0 || errno == ENOENT ? 0 : errno;
  int error = ReplaceFile(path, *text);
  if (error == ENOENT) {
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
    return MakeFile(path, *text);
  }
  if (error == EBUSY || error == EROFS || error == EXDEV) error = WriteInPlace(path, *text);
  return error;
}

}  // namespace

Result<std::optional<DnsConfig>> ResolvFile::Read(const std::string& link) const {
  WGNET_ASSIGN_OR_RETURN(const auto text, ReadText(path_));
  const ResolvConf file(text);
  const FileLink* found = file.Find(netns_id_, link);
  return found != nullptr ? std::optional(found->config) : std::nullopt;
}

std::string_view ResolvFile::boot_id() const {
  return std::string_view(netns_id_).substr(0, kBootIdSize);
}

template <class Edit>
Status ResolvFile::Change(const Edit& edit) const {
  const UniqueFd lock(open(kLock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!lock.ok() || flock(lock.get(), LOCK_EX) != 0) return Failed(kLock, "locked", errno);
  WGNET_ASSIGN_OR_RETURN(const auto text, ReadText(path_));
  ResolvConf file(text);
  file.KeepOnly(boot_id());
  edit(file);
  const auto changed = file.Text();
  const int error = changed == text ? 0 : Put(path_, changed);
  if (error != 0) return Failed(path_, "written", error);
  return {};
}

Status ResolvFile::Write(const std::string& link, const DnsConfig& config) const {
  return Change([&](ResolvConf& file) { file.Set({netns_id_, link, config}); });
}

Status ResolvFile::Remove(const std::string& link) const {
  return Change([&](ResolvConf& file) { file.Remove(netns_id_, link); });
}

Result<std::vector<std::string>> ResolvFile::List() const {
  WGNET_ASSIGN_OR_RETURN(const auto text, ReadText(path_));
  const ResolvConf file(text);
  std::vector<std::string> links;
  for (const FileLink& link : file.links()) {
    if (link.netns_id == netns_id_) links.push_back(link.link);
  }
  return links;
}

Result<bool> ResolvFile::ForgetEarlierBoots() const {
  WGNET_ASSIGN_OR_RETURN(const auto text, ReadText(path_));
  ResolvConf file(text);
  const size_t links = file.links().size();
  file.KeepOnly(boot_id());
  if (file.links().size() == links) return false;
  WGNET_RETURN_IF_ERROR(Change([](ResolvConf&) {}));
  return true;
}

}  // namespace wgnet::dns
