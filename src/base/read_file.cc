// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/base/read_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "src/base/unique_fd.h"

namespace wgnet {

int ReadSmallFile(const std::string& path, std::string& text) {
  constexpr size_t kMostBytes = 1 << 20;
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.ok()) return errno;
  char piece[4096];
  text.clear();
  while (true) {
    const ssize_t size = read(fd.get(), piece, sizeof piece);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno;
    if (size == 0) return 0;
    text.append(piece, static_cast<size_t>(size));
    if (text.size() > kMostBytes) return EFBIG;
  }
}

}  // namespace wgnet
