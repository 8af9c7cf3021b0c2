// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/base/replace_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>

#include "src/base/unique_fd.h"
#include "src/base/write_all.h"

namespace wgnet {
namespace {

struct Attributes {
  uid_t owner;
  gid_t group;
  mode_t mode;
};

// 0 or an errno.
int Fill(int fd, const Attributes& attributes, std::string_view text) {
  if (fchown(fd, attributes.owner, attributes.group) != 0) return errno;
  if (fchmod(fd, attributes.mode & 07777) != 0) return errno;
  if (const int error = WriteAll(fd, text)) return error;
  return fsync(fd) == 0 ? 0 : errno;
}

// The new name is on the disk when its directory is.
void SyncDirectoryOf(const std::string& path) {
  const std::string directory = path.substr(0, path.rfind('/') + 1);
  const UniqueFd fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.ok()) static_cast<void>(fsync(fd.get()));
}

int PutFile(const std::string& path, const Attributes& attributes, std::string_view text) {
  std::string beside = path + ".XXXXXX";
  const UniqueFd fd(mkostemp(beside.data(), O_CLOEXEC));
  if (!fd.ok()) return errno;
  int error = Fill(fd.get(), attributes, text);
  if (error == 0 && rename(beside.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) unlink(beside.c_str());
  if (error == 0) SyncDirectoryOf(path);
  return error;
}

}  // namespace

int ReplaceFile(const std::string& path, std::string_view text) {
  char real[PATH_MAX];
  struct stat old;
  if (realpath(path.c_str(), real) == nullptr || stat(real, &old) != 0) return errno;
  return PutFile(real, {old.st_uid, old.st_gid, old.st_mode}, text);
}

int MakeFile(const std::string& path, std::string_view text) {
  return PutFile(path, {geteuid(), getegid(), 0644}, text);
}

}  // namespace wgnet
