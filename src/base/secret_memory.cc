// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/base/secret_memory.h"

#include <sodium.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>

namespace wgnet {
namespace {

constexpr size_t kKeySize = 32;
constexpr size_t kChunkSize = 64 * 1024;

size_t RoundToPages(size_t size) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return (size + page - 1) / page * page;
}

// Locking is best effort: RLIMIT_MEMLOCK may be as low as 64 KiB. Leaving the pages out of core
// files always works.
std::byte* MapSecretPages(size_t size) {
  void* pages = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  madvise(pages, size, MADV_DONTDUMP);
  static_cast<void>(mlock(pages, size));
  return static_cast<std::byte*>(pages);
}

void UnmapSecretPages(std::byte* pages, size_t size) {
  sodium_memzero(pages, size);
  munmap(pages, size);
}

// Slots of one size, many to a page. A free slot holds the address of the next one.
class SlotArena {
 public:
  explicit constexpr SlotArena(size_t slot_size) : slot_size_(slot_size) {}

  std::byte* Allocate() {
    const std::lock_guard lock(mutex_);
    if (free_ == nullptr) AddChunk();
    std::byte* slot = free_;
    std::memcpy(&free_, slot, sizeof free_);
    std::memset(slot, 0, slot_size_);
    return slot;
  }

  void Free(std::byte* slot) {
    sodium_memzero(slot, slot_size_);
    const std::lock_guard lock(mutex_);
    std::memcpy(slot, &free_, sizeof free_);
    free_ = slot;
  }

  size_t slot_size() const { return slot_size_; }

 private:
  void AddChunk() {
    std::byte* chunk = MapSecretPages(kChunkSize);
    for (size_t at = kChunkSize; at >= slot_size_; at -= slot_size_) {
      std::byte* slot = chunk + at - slot_size_;
      std::memcpy(slot, &free_, sizeof free_);
      free_ = slot;
    }
  }

  std::mutex mutex_;
  std::byte* free_ = nullptr;
  const size_t slot_size_;
};

// Nothing destroys the chunks: keys may outlive static destruction.
SlotArena* ArenaFor(size_t size) {
  static constinit SlotArena arenas[] = {SlotArena(kKeySize), SlotArena(64), SlotArena(128),
                                         SlotArena(256)};
  for (SlotArena& arena : arenas) {
    if (size <= arena.slot_size()) return &arena;
  }
  return nullptr;
}

}  // namespace

std::byte* AllocateSecretBytes(size_t size) {
  SlotArena* arena = ArenaFor(size);
  return arena != nullptr ? arena->Allocate() : MapSecretPages(RoundToPages(size));
}

void FreeSecretBytes(std::byte* data, size_t size) {
  if (data == nullptr) return;
  if (SlotArena* arena = ArenaFor(size)) {
    arena->Free(data);
  } else {
    UnmapSecretPages(data, RoundToPages(size));
  }
}

void WipeMemory(void* data, size_t size) { sodium_memzero(data, size); }

SecretBuffer::SecretBuffer(SecretBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

SecretBuffer& SecretBuffer::operator=(SecretBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(capacity_, other.capacity_);
  return *this;
}

SecretBuffer::~SecretBuffer() {
  if (data_ != nullptr) UnmapSecretPages(data_, capacity_);
}

void SecretBuffer::Reserve(size_t capacity) {
  if (capacity <= capacity_) return;
  const size_t wanted = RoundToPages(std::max(capacity, capacity_ * 2));
  std::byte* grown = MapSecretPages(wanted);
  if (data_ != nullptr) {
    std::memcpy(grown, data_, size_);
    UnmapSecretPages(data_, capacity_);
  }
  data_ = grown;
  capacity_ = wanted;
}

void SecretBuffer::Resize(size_t size) {
  Reserve(size);
  if (size > size_) std::memset(data_ + size_, 0, size - size_);
  size_ = size;
}

void SecretBuffer::Append(const void* data, size_t size) {
  if (size == 0) return;
  const size_t at = size_;
  Resize(size_ + size);
  std::memcpy(data_ + at, data, size);
}

void SecretBuffer::Clear() {
  if (data_ != nullptr) sodium_memzero(data_, size_);
  size_ = 0;
}

}  // namespace wgnet
