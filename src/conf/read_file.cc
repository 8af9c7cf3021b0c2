// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/conf/read_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include "src/base/try.h"
#include "src/base/unique_fd.h"

namespace wgnet::conf {
namespace {

constexpr mode_t kOthers = 0007;

std::string HintFor(int error_number) {
  switch (error_number) {
    case ENOENT:
      return "NAME alone means /etc/wireguard/NAME.conf; a file elsewhere is ./NAME.conf";
    case EACCES:
      return "the file is readable for its owner only: run this as root";
    default:
      return "name a regular file or a pipe";
  }
}

Error Unreadable(const std::string& path, int error_number) {
  return {.code = ErrorCode::kIo,
          .message = fmt::format("cannot be read: {}", strerror(error_number)),
          .where = path,
          .hint = HintFor(error_number),
          .error_number = error_number};
}

Error TooLarge(const std::string& path, size_t most) {
  return {.code = ErrorCode::kIo,
          .message = fmt::format("the file is larger than {} MiB", most >> 20),
          .where = path,
          .hint = "is it a configuration file?"};
}

Result<SecretBuffer> ReadAll(int fd, const std::string& path, size_t most) {
  constexpr size_t kFirstRead = 64 * 1024;
  SecretBuffer bytes;
  size_t filled = 0;
  while (true) {
    if (filled == bytes.size()) bytes.Resize(std::max(kFirstRead, 2 * filled));
    const ssize_t got = read(fd, bytes.data() + filled, bytes.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unreadable(path, errno);
    if (got == 0) break;
    filled += static_cast<size_t>(got);
    if (filled > most) return TooLarge(path, most);
  }
  bytes.Resize(filled);
  return bytes;
}

// Of the file itself, as wg-quick(8) asks: past all symbolic links.
mode_t DirectoryMode(const std::string& path) {
  const std::unique_ptr<char, decltype(&free)> real(realpath(path.c_str(), nullptr), free);
  if (!real) return 0;
  const std::string_view target = real.get();
  const std::string directory(target.substr(0, std::max<size_t>(target.rfind('/'), 1)));
  struct stat info;
  return stat(directory.c_str(), &info) == 0 ? info.st_mode : 0;
}

}  // namespace

Result<FileContents> ReadFile(const std::string& path, size_t most) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  struct stat info;
  if (!fd.ok() || fstat(fd.get(), &info) != 0) return Unreadable(path, errno);
  if (S_ISDIR(info.st_mode)) return Unreadable(path, EISDIR);
  if (S_ISBLK(info.st_mode)) return Unreadable(path, EINVAL);
  FileContents contents;
  WGNET_ASSIGN_OR_RETURN(contents.bytes, ReadAll(fd.get(), path, most));
  contents.world_accessible =
      S_ISREG(info.st_mode) && (info.st_mode & DirectoryMode(path) & kOthers) != 0;
  return contents;
}

}  // namespace wgnet::conf
