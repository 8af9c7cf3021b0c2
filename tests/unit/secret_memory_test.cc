// SPDX-License-Identifier: MIT OR Apache-2.0
// Secret memory by its bytes: what was freed is gone, and no core file has it. The memory is not
// the heap's, so it can be looked at after it was freed.
#include "src/base/secret_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "wgnet/key.h"

namespace wgnet {
namespace {

constexpr std::byte kMark{0xa5};

// A free slot begins with the address of the next one.
bool IsWiped(const std::byte* data, size_t size) {
  return std::all_of(data + std::min(size, sizeof(void*)), data + size,
                     [](std::byte byte) { return byte == std::byte{0}; });
}

bool IsZero(const std::byte* data, size_t size) {
  return std::all_of(data, data + size, [](std::byte byte) { return byte == std::byte{0}; });
}

bool IsMapped(const void* address) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  unsigned char resident = 0;
  return mincore(reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(address) / page * page), 1,
                 &resident) == 0;
}

// The VmFlags of the mapping that holds the address (proc_pid_smaps(5)).
std::string FlagsOf(const void* address) {
  std::ifstream smaps("/proc/self/smaps");
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long begin = 0;
    unsigned long end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) {
      inside = begin <= wanted && wanted < end;
    }
    if (inside && line.starts_with("VmFlags:")) return line + " ";
  }
  return "";
}

bool IsLeftOutOfCores(const void* address) {
  return FlagsOf(address).find(" dd ") != std::string::npos;
}

TEST(SecretBytesTest, AreZeroWhenNewAndWipedWhenFreed) {
  for (size_t size = 1; size <= 256; ++size) {
    std::byte* data = AllocateSecretBytes(size);
    EXPECT_TRUE(IsZero(data, size)) << size;
    std::fill_n(data, size, kMark);
    FreeSecretBytes(data, size);
    EXPECT_TRUE(IsWiped(data, size)) << size;
  }
}

TEST(SecretBytesTest, LargeSizesAreUnmapped) {
  for (const size_t size : {size_t{257}, size_t{4096}, size_t{4097}, size_t{1} << 20}) {
    std::byte* data = AllocateSecretBytes(size);
    EXPECT_TRUE(IsZero(data, size));
    std::fill_n(data, size, kMark);
    EXPECT_TRUE(IsMapped(data + size - 1));
    FreeSecretBytes(data, size);
    EXPECT_FALSE(IsMapped(data)) << size;
    EXPECT_FALSE(IsMapped(data + size - 1)) << size;
  }
}

TEST(SecretBytesTest, AreLeftOutOfCoreFiles) {
  for (const size_t size : {1, 32, 33, 64, 128, 256, 257, 100000}) {
    std::byte* data = AllocateSecretBytes(size);
    EXPECT_TRUE(IsLeftOutOfCores(data)) << size;
    EXPECT_TRUE(IsLeftOutOfCores(data + size - 1)) << size;
    FreeSecretBytes(data, size);
  }
  const std::vector<char> ordinary(100000);
  EXPECT_FALSE(IsLeftOutOfCores(ordinary.data()));
}

TEST(SecretBytesTest, DoNotOverlap) {
  constexpr size_t kCount = 5000;  // more than a chunk holds
  for (const size_t size : {size_t{32}, size_t{200}}) {
    std::set<std::byte*> slots;
    for (size_t i = 0; i < kCount; ++i) {
      std::byte* data = AllocateSecretBytes(size);
      std::fill_n(data, size, static_cast<std::byte>(i));
      slots.insert(data);
    }
    ASSERT_EQ(slots.size(), kCount);
    const std::byte* end = nullptr;
    for (std::byte* data : slots) {
      EXPECT_GE(data, end);
      end = data + size;
      EXPECT_TRUE(std::all_of(data, data + size, [&](std::byte b) { return b == data[0]; }));
    }
    for (std::byte* data : slots) FreeSecretBytes(data, size);
  }
}

TEST(SecretBytesTest, NullIsIgnored) { FreeSecretBytes(nullptr, 32); }

TEST(SecretBytesTest, ThreadsDoNotShareASlot) {
  const auto work = [](int thread, int& mistakes) {
    std::vector<std::byte*> held;
    for (int round = 0; round < 20000; ++round) {
      std::byte* data = AllocateSecretBytes(32);
      mistakes += IsZero(data, 32) ? 0 : 1;
      std::memset(data, thread, 32);
      held.push_back(data);
      if (held.size() < 8) continue;
      for (std::byte* old : held) {
        mistakes += old[31] == static_cast<std::byte>(thread) ? 0 : 1;
        FreeSecretBytes(old, 32);
      }
      held.clear();
    }
  };
  int mistakes[4] = {};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work, i + 1, std::ref(mistakes[i]));
  for (std::thread& thread : threads) thread.join();
  for (const int count : mistakes) EXPECT_EQ(count, 0);
}

TEST(SecretBufferTest, GrowsByMovingAndLeavesNothingBehind) {
  SecretBuffer buffer;
  EXPECT_TRUE(buffer.empty());
  buffer.Append("secret", 6);
  const std::byte* first = buffer.data();
  EXPECT_TRUE(IsLeftOutOfCores(first));
  buffer.Reserve(buffer.capacity() + 1);
  EXPECT_NE(buffer.data(), first);
  EXPECT_FALSE(IsMapped(first));
  EXPECT_TRUE(IsLeftOutOfCores(buffer.data()));
  ASSERT_EQ(buffer.size(), 6u);
  EXPECT_EQ(std::memcmp(buffer.data(), "secret", 6), 0);
  EXPECT_TRUE(IsZero(buffer.data() + 6, buffer.capacity() - 6));
}

TEST(SecretBufferTest, NewBytesAreZeroAlsoWhereOthersStood) {
  SecretBuffer buffer;
  buffer.Resize(100);
  EXPECT_TRUE(IsZero(buffer.data(), 100));
  std::fill_n(buffer.data(), 100, kMark);
  buffer.Resize(10);
  buffer.Resize(100);
  EXPECT_TRUE(std::all_of(buffer.data(), buffer.data() + 10, [](auto b) { return b == kMark; }));
  EXPECT_TRUE(IsZero(buffer.data() + 10, 90));
}

TEST(SecretBufferTest, ClearWipesAndKeepsTheMemory) {
  SecretBuffer buffer;
  buffer.Append("secret", 6);
  const std::byte* data = buffer.data();
  const size_t capacity = buffer.capacity();
  buffer.Clear();
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.data(), data);
  EXPECT_EQ(buffer.capacity(), capacity);
  EXPECT_TRUE(IsZero(data, 6));
  SecretBuffer().Clear();
}

TEST(SecretBufferTest, MovesTakeTheMemoryAlong) {
  SecretBuffer from;
  from.Append("secret", 6);
  const std::byte* data = from.data();
  SecretBuffer to = std::move(from);
  EXPECT_EQ(to.data(), data);
  EXPECT_EQ(to.size(), 6u);
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
  EXPECT_EQ(from.capacity(), 0u);
  from = std::move(to);
  EXPECT_EQ(from.data(), data);
  EXPECT_EQ(from.bytes().size(), 6u);
}

TEST(SecretBufferTest, IsUnmappedInTheEnd) {
  const std::byte* data = nullptr;
  {
    SecretBuffer buffer;
    buffer.Append("secret", 6);
    data = buffer.data();
  }
  EXPECT_FALSE(IsMapped(data));
}

TEST(SecretStringTest, LeavesNothingWhereItGrewFrom) {
  SecretString text(40, 's');
  const auto* before = reinterpret_cast<const std::byte*>(text.data());
  const size_t held = text.capacity() + 1;
  EXPECT_TRUE(IsLeftOutOfCores(before));
  text.append(200, 's');
  EXPECT_NE(reinterpret_cast<const std::byte*>(text.data()), before);
  EXPECT_TRUE(IsWiped(before, held));
  EXPECT_TRUE(IsLeftOutOfCores(text.data()));
}

TEST(SecretKeyMemoryTest, IsSecretMemoryAndWiped) {
  const uint8_t* bytes = nullptr;
  {
    const SecretKey key = SecretKey::GeneratePreshared();
    bytes = key.bytes().data();
    EXPECT_TRUE(IsLeftOutOfCores(bytes));
  }
  EXPECT_TRUE(IsWiped(reinterpret_cast<const std::byte*>(bytes), SecretKey::kSize));
}

TEST(WipeMemoryTest, Wipes) {
  std::byte bytes[100];
  std::fill_n(bytes, sizeof bytes, kMark);
  WipeMemory(bytes + 10, 80);
  EXPECT_TRUE(IsZero(bytes + 10, 80));
  EXPECT_EQ(bytes[9], kMark);
  EXPECT_EQ(bytes[90], kMark);
}

}  // namespace
}  // namespace wgnet
