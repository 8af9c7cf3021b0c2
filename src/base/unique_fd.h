// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef WGNET_BASE_UNIQUE_FD_H_
#define WGNET_BASE_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace wgnet {

/// Owns a file descriptor.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd() {
    if (fd_ >= 0) close(fd_);
  }

  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  /// Somebody else owns it from now on.
  void Release() { fd_ = -1; }

 private:
  int fd_ = -1;
};

}  // namespace wgnet

#endif  // WGNET_BASE_UNIQUE_FD_H_
