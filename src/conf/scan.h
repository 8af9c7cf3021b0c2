// SPDX-License-Identifier: MIT OR Apache-2.0
// A text as lines and their parts; what they mean is not asked here.
#ifndef WGNET_CONF_SCAN_H_
#define WGNET_CONF_SCAN_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "src/conf/report.h"
#include "wgnet/conf.h"
#include "wgnet/error.h"

namespace wgnet::conf {

inline constexpr size_t kMostBytes = 16 << 20;
inline constexpr size_t kMostLines = 1 << 20;
inline constexpr size_t kMostLineBytes = 1 << 20;

/// Every byte of `text` is in one line. A line of kind kKey without `=` has a value whose data() is
/// null.
Result<std::vector<ConfFile::Line>> ScanLines(std::string_view text, const Report& report);

}  // namespace wgnet::conf

#endif  // WGNET_CONF_SCAN_H_
