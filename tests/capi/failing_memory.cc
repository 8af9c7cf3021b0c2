// SPDX-License-Identifier: MIT OR Apache-2.0
// In a file of its own: inlined, gcc takes the two halves of an allocation for mismatched.
#include <cstdlib>
#include <new>

#include "fake_session.h"

namespace {

long allocations_left = -1;  // until one fails; below 0: none does
bool rest_fails = false;
bool allocation_failed = false;

bool NextAllocationFails() {
  if (allocations_left < 0) return false;
  if (allocations_left > 1) {
    --allocations_left;
    return false;
  }
  allocations_left = rest_fails ? 1 : -1;
  allocation_failed = true;
  return true;
}

}  // namespace

// All forms: a sanitizer has its own for those that are not given.
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return NextAllocationFails() ? nullptr : std::malloc(size);
}
void* operator new(size_t size) {
  void* memory = operator new(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return operator new(size, std::nothrow);
}
void* operator new[](size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

void FailAllocations(long first, int rest) {
  allocation_failed = false;
  rest_fails = rest != 0;
  allocations_left = first;
}

int StopFailingAllocations() {
  allocations_left = -1;
  return allocation_failed ? 1 : 0;
}
