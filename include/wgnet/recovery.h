// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_RECOVERY_H_
#define WGNET_RECOVERY_H_

#include <cstddef>
#include <string>
#include <vector>

#include "wgnet/error.h"

namespace wgnet {

/// What Session::Recover did.
struct RecoveryReport {
  struct Owner {
    std::string owner;
    size_t steps = 0;  ///< 0: only what was on record for him has changed
    bool operator==(const Owner&) const = default;
  };
  /// A transaction whose process ended in the middle, or a change that nobody confirmed, and what
  /// taking it back did.
  struct CutOff {
    std::string owner;
    RollbackReport rollback;
    bool unconfirmed = false;  ///< it was whole, but nobody confirmed it in time
    std::string ToString() const;
    bool operator==(const CutOff&) const = default;
  };
  std::vector<CutOff> cut_off;
  std::vector<Owner> owners;  ///< those with something to recover, by name
  std::vector<std::string> warnings;

  /// A document of schema "wgnet/1".
  std::string ToJson() const;
};

}  // namespace wgnet

#endif  // WGNET_RECOVERY_H_
