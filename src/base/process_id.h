// SPDX-License-Identifier: MIT OR Apache-2.0
// A process, such that another one that gets its number later is not taken for it.
#ifndef WGNET_BASE_PROCESS_ID_H_
#define WGNET_BASE_PROCESS_ID_H_

#include <cstdint>

#include "src/base/unique_fd.h"

namespace wgnet {

struct ProcessId {
  int32_t pid = 0;
  uint64_t start_time = 0;  // field 22 of proc_pid_stat(5)

  static ProcessId Own();
  bool IsAlive() const;
  /// Of pidfd_open(2): readable once the process has ended. Not ok: it has.
  UniqueFd Open() const;
  bool operator==(const ProcessId&) const = default;
};

}  // namespace wgnet

#endif  // WGNET_BASE_PROCESS_ID_H_
