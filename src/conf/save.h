// SPDX-License-Identifier: MIT OR Apache-2.0
// SaveConfig: a file that says what an interface has. The file is edited, not written anew.
#ifndef WGNET_CONF_SAVE_H_
#define WGNET_CONF_SAVE_H_

#include "src/base/secret_memory.h"
#include "src/conf/draft.h"
#include "wgnet/conf.h"
#include "wgnet/snapshot.h"

namespace wgnet::conf {

/// `meaning` is what the file says.
SecretString WithState(const ConfFile& file, const Meaning& meaning, const DeviceStatus& state);

}  // namespace wgnet::conf

#endif  // WGNET_CONF_SAVE_H_
