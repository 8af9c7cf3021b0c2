// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_BASE_WRITE_ALL_H_
#define WGNET_BASE_WRITE_ALL_H_

#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace wgnet {

/// write(2) until every byte is written. 0 or an errno.
inline int WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = write(fd, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno;
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return 0;
}

}  // namespace wgnet

#endif  // WGNET_BASE_WRITE_ALL_H_
