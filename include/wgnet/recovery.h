// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_RECOVERY_H_
#define WGNET_RECOVERY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "wgnet/error.h"

namespace wgnet {

/// How a transaction ends whose process was killed in the middle of it.
enum class RecoveryDirection : uint8_t {
  kBack,     ///< everything is as before it
  kForward,  ///< it is carried on to its end; where that cannot be, as before
};

/// What Session::Recover did.
struct RecoveryReport {
  struct Owner {
    std::string owner;
    size_t steps = 0;  ///< 0: only what was on record for him has changed
    bool operator==(const Owner&) const = default;
  };
  /// A transaction whose process ended in the middle, or a change that nobody confirmed, and what
  /// taking it back did, if it was not carried on.
  struct CutOff {
    std::string owner;
    RollbackReport rollback;
    bool unconfirmed = false;  ///< it was whole, but nobody confirmed it in time
    bool finished = false;     ///< it was carried on to its end, and nothing was taken back
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
