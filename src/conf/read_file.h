// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_CONF_READ_FILE_H_
#define WGNET_CONF_READ_FILE_H_

#include <cstddef>
#include <string>

#include "src/base/secret_memory.h"
#include "wgnet/error.h"

namespace wgnet::conf {

struct FileContents {
  SecretBuffer bytes;
  bool world_accessible = false;  ///< for others than owner and group, its directory too
};

/// A regular file, a pipe or a character device, of at most `most` bytes.
Result<FileContents> ReadFile(const std::string& path, size_t most);

}  // namespace wgnet::conf

#endif  // WGNET_CONF_READ_FILE_H_
