// SPDX-License-Identifier: MIT OR Apache-2.0
// A key in a file, as wg(8) reads it.
#ifndef WGNET_EXAMPLES_WGNET_KEY_TEXT_H_
#define WGNET_EXAMPLES_WGNET_KEY_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "wgnet/key.h"

namespace cli {

/// 44 characters of base64, and behind them nothing but `ignored` characters.
wgnet::Result<wgnet::SecretKey> ReadKey(std::string_view text, std::string_view ignored);

/// The key in a file; of an empty file, the zero key.
wgnet::Result<wgnet::SecretKey> ReadKeyFile(const std::string& path);

/// Whether a key stands in an argument of the command line, where others see it.
bool HoldsKey(std::string_view argument);
wgnet::Error KeyOnCommandLine(ptrdiff_t argument);

}  // namespace cli

#endif  // WGNET_EXAMPLES_WGNET_KEY_TEXT_H_
