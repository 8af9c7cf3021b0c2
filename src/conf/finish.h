// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_CONF_FINISH_H_
#define WGNET_CONF_FINISH_H_

#include "src/conf/draft.h"
#include "wgnet/error.h"

namespace wgnet::conf {

/// Puts the parts of a draft together, and finds the mistakes that only the whole shows. Warnings
/// go to the draft's report.
Result<Meaning> FinishDraft(Draft& draft);

/// What a prefix marked with `-` is where a file says what there is.
Error CannotTakeAway();

}  // namespace wgnet::conf

#endif  // WGNET_CONF_FINISH_H_
