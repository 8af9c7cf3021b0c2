// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_BASE_REPLACE_FILE_H_
#define WGNET_BASE_REPLACE_FILE_H_

#include <string>
#include <string_view>

namespace wgnet {

/// Puts a new file with this text in place of an old one, or of what a symbolic link points to,
/// with its owner and mode. At every moment the name has one of the two, whole. 0 or an errno:
/// ENOENT if there is no file.
int ReplaceFile(const std::string& path, std::string_view text);

/// Makes a file with this text and mode 0644. At every moment it is whole, or not there.
int MakeFile(const std::string& path, std::string_view text);

}  // namespace wgnet

#endif  // WGNET_BASE_REPLACE_FILE_H_
