// SPDX-License-Identifier: MIT OR Apache-2.0
// CLOCK_BOOTTIME (clock_gettime(2)): nobody sets it, and it goes on while the machine sleeps.
#ifndef WGNET_BASE_BOOT_CLOCK_H_
#define WGNET_BASE_BOOT_CLOCK_H_

#include <chrono>
#include <ctime>

namespace wgnet {

struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;

  static time_point now() {
    timespec time{};
    clock_gettime(CLOCK_BOOTTIME, &time);
    return time_point(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
  }
};

}  // namespace wgnet

#endif  // WGNET_BASE_BOOT_CLOCK_H_
