// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_BASE_READ_FILE_H_
#define WGNET_BASE_READ_FILE_H_

#include <string>

namespace wgnet {

/// The whole of a file that holds no secret, of at most a megabyte. 0 or an errno.
int ReadSmallFile(const std::string& path, std::string& text);

}  // namespace wgnet

#endif  // WGNET_BASE_READ_FILE_H_
