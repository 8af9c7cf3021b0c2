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

namespace {

// Returns it from a general register, where the compiler cannot see what it is a part of.
template <class Word>
void CopyWord(std::byte* to, const std::byte* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  asm volatile("" : "+r"(word));
  std::memcpy(to, &word, sizeof word);
}

}  // namespace

void CopySecretBytes(void* to, const void* from, size_t size) {
  auto* out = static_cast<std::byte*>(to);
  const auto* in = static_cast<const std::byte*>(from);
  size_t at = 0;
  for (; at + sizeof(size_t) <= size; at += sizeof(size_t)) CopyWord<size_t>(out + at, in + at);
  for (; at < size; ++at) CopyWord<uint8_t>(out + at, in + at);
}

#if defined(__x86_64__)
// vzeroall leaves the upper 16 of AVX-512, which memcpy(3) uses.
void WipeVectorRegisters() {
  if (__builtin_cpu_supports("avx512f") != 0) {
    asm volatile(
        ".irp r, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "vpxorq %%zmm\\r, %%zmm\\r, %%zmm\\r\n"
        ".endr" ::);
  }
  if (__builtin_cpu_supports("avx") != 0) {
    asm volatile("vzeroall" ::
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  } else {
    asm volatile(
        ".irp r, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "pxor %%xmm\\r, %%xmm\\r\n"
        ".endr" ::
            : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
              "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  }
}
#elif defined(__aarch64__)
// Those that a function may use: it keeps the low halves of v8 to v15 for its caller.
void WipeVectorRegisters() {
  asm volatile(
      ".irp r, 0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
      "movi v\\r\\().2d, #0\n"
      ".endr" ::
          : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20",
            "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31");
}
#else
void WipeVectorRegisters() {}
#endif

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
    CopySecretBytes(grown, data_, size_);
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
  CopySecretBytes(data_ + at, data, size);
}

void SecretBuffer::Clear() {
  if (data_ != nullptr) sodium_memzero(data_, size_);
  size_ = 0;
}

}  // namespace wgnet
