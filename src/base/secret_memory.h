// SPDX-License-Identifier: MIT OR Apache-2.0
// Memory for secrets: locked where the limits allow it, left out of core files, zeroed when freed.
#ifndef WGNET_BASE_SECRET_MEMORY_H_
#define WGNET_BASE_SECRET_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace wgnet {

/// Small sizes share pages. Thread-safe. Throws std::bad_alloc.
std::byte* AllocateSecretBytes(size_t size);
/// `size` is what was asked for. Null is ignored.
void FreeSecretBytes(std::byte* data, size_t size);

void WipeMemory(void* data, size_t size);

/// As memcpy(3), but by way of registers of one word: what is left in vector registers gets into
/// core files, and onto the stack when the dynamic linker binds a function.
void CopySecretBytes(void* to, const void* from, size_t size);
/// For after code that copies secrets in another way. Does nothing but on x86-64 and AArch64.
void WipeVectorRegisters();

/// A growing byte buffer in secret memory. It never shrinks; growing moves and wipes.
class SecretBuffer {
 public:
  SecretBuffer() = default;
  SecretBuffer(SecretBuffer&& other) noexcept;
  SecretBuffer& operator=(SecretBuffer&& other) noexcept;
  SecretBuffer(const SecretBuffer&) = delete;
  SecretBuffer& operator=(const SecretBuffer&) = delete;
  ~SecretBuffer();

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  std::span<std::byte> bytes() { return {data_, size_}; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }

  /// Makes room for `capacity` bytes in all. Throws std::bad_alloc.
  void Reserve(size_t capacity);
  /// New bytes are zero. Throws std::bad_alloc when it must grow.
  void Resize(size_t size);
  void Append(const void* data, size_t size);
  void Clear();

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

/// For std containers whose contents are secret.
template <class T>
struct SecretAllocator {
  using value_type = T;
  SecretAllocator() = default;
  template <class U>
  SecretAllocator(const SecretAllocator<U>&) {}  // NOLINT(google-explicit-constructor)
  T* allocate(size_t n);
  void deallocate(T* p, size_t n);
  bool operator==(const SecretAllocator&) const { return true; }
};

template <class T>
T* SecretAllocator<T>::allocate(size_t n) {
  return reinterpret_cast<T*>(AllocateSecretBytes(n * sizeof(T)));
}
template <class T>
void SecretAllocator<T>::deallocate(T* p, size_t n) {
  FreeSecretBytes(reinterpret_cast<std::byte*>(p), n * sizeof(T));
}

using SecretString = std::basic_string<char, std::char_traits<char>, SecretAllocator<char>>;

}  // namespace wgnet

#endif  // WGNET_BASE_SECRET_MEMORY_H_
