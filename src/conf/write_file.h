// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_CONF_WRITE_FILE_H_
#define WGNET_CONF_WRITE_FILE_H_

#include <string>
#include <string_view>

#include "wgnet/error.h"

namespace wgnet::conf {

/// Puts a new file with this text in place of an old one, or of what a symbolic link points to,
/// with its owner and mode. At every moment the name has one of the two, whole.
Status ReplaceFile(const std::string& path, std::string_view text);

}  // namespace wgnet::conf

#endif  // WGNET_CONF_WRITE_FILE_H_
