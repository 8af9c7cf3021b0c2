// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/conf/write_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "src/base/unique_fd.h"
#include "src/base/write_all.h"

namespace wgnet::conf {
namespace {

// 0 or an errno.
int FillLike(int fd, const struct stat& old, std::string_view text) {
  if (fchown(fd, old.st_uid, old.st_gid) != 0 || fchmod(fd, old.st_mode & 07777) != 0) return errno;
  if (const int error = WriteAll(fd, text)) return error;
  return fsync(fd) == 0 ? 0 : errno;
}

// The new name is on the disk when its directory is.
void SyncDirectoryOf(const std::string& path) {
  const std::string directory = path.substr(0, path.rfind('/') + 1);
  const UniqueFd fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.ok()) static_cast<void>(fsync(fd.get()));
}

int Replace(const std::string& path, std::string_view text) {
  struct stat old;
  if (stat(path.c_str(), &old) != 0) return errno;
  std::string beside = path + ".XXXXXX";
  const UniqueFd fd(mkostemp(beside.data(), O_CLOEXEC));
  if (!fd.ok()) return errno;
  int error = FillLike(fd.get(), old, text);
  if (error == 0 && rename(beside.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) unlink(beside.c_str());
  if (error == 0) SyncDirectoryOf(path);
  return error;
}

}  // namespace

Status ReplaceFile(const std::string& path, std::string_view text) {
  char real[PATH_MAX];
  const int error = realpath(path.c_str(), real) != nullptr ? Replace(real, text) : errno;
  if (error == 0) return {};
  return Error{.code = ErrorCode::kIo,
               .message = fmt::format("cannot be written: {}", std::strerror(error)),
               .where = path,
               .hint = "see that its directory can be written to",
               .error_number = error};
}

}  // namespace wgnet::conf
