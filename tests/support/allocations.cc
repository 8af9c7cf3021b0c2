// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/allocations.h"

#include <cstdlib>
#include <new>

namespace wgnet::testing {
namespace {

bool counting = false;
int uncounted = 0;
size_t count = 0;
size_t failing_one = 0;
bool rest_fails = false;

bool Fails() {
  if (!counting || uncounted > 0) return false;
  ++count;
  return count == failing_one || (rest_fails && count > failing_one);
}

}  // namespace

void CountAllocations(size_t failing, bool and_rest) {
  count = 0;
  rest_fails = and_rest;
  failing_one = failing;
  counting = true;
}

size_t StopCountingAllocations() {
  counting = false;
  return count;
}

UncountedAllocations::UncountedAllocations() { ++uncounted; }
UncountedAllocations::~UncountedAllocations() { --uncounted; }

}  // namespace wgnet::testing

// All forms: a sanitizer has its own for those that are not given.
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return wgnet::testing::Fails() ? nullptr : std::malloc(size);
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
