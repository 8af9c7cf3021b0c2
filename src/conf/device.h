// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_CONF_DEVICE_H_
#define WGNET_CONF_DEVICE_H_

#include <string_view>

#include "src/conf/draft.h"
#include "wgnet/conf.h"

namespace wgnet::conf {

/// What a file asks of a device that exists.
Result<DeviceUpdate> UpdateOf(const Meaning& meaning, std::string_view interface_name,
                              ConfFile::Update how);

}  // namespace wgnet::conf

#endif  // WGNET_CONF_DEVICE_H_
