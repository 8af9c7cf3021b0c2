// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_API_WATCHER_IMPL_H_
#define WGNET_API_WATCHER_IMPL_H_

#include <memory>
#include <vector>

#include "src/plan/watch.h"
#include "wgnet/watch.h"

namespace wgnet {

class Watcher::Impl {
 public:
  std::shared_ptr<void> session;  // what the watch uses
  std::unique_ptr<plan::Watch> watch;
  std::vector<Event> left;  // told, but not yet given to the caller
};

}  // namespace wgnet

#endif  // WGNET_API_WATCHER_IMPL_H_
