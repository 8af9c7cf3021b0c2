// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/key.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <ostream>
#include <utility>

#include "src/base/secret_memory.h"

namespace wgnet {
namespace {

constexpr size_t kBase64Size = 44;
constexpr uint8_t kZero[SecretKey::kSize] = {};

static_assert(PublicKey::kSize == crypto_scalarmult_BYTES);
static_assert(SecretKey::kSize == crypto_scalarmult_SCALARBYTES);

// Canonical base64 of 32 bytes, in constant time; wg(8) refuses anything else.
bool DecodeKey(std::string_view base64, uint8_t* bytes) {
  size_t size = 0;
  unsigned char bits = 0;  // libsodium takes some bytes above 127 for letters
  for (const char letter : base64) bits |= static_cast<unsigned char>(letter);
  return base64.size() == kBase64Size && base64.back() == '=' && bits < 0x80 &&
         sodium_base642bin(bytes, SecretKey::kSize, base64.data(), base64.size(), nullptr, &size,
                           nullptr, sodium_base64_VARIANT_ORIGINAL) == 0 &&
         size == SecretKey::kSize;
}

std::string EncodeKey(const uint8_t* bytes) {
  char text[kBase64Size + 1];
  sodium_bin2base64(text, sizeof text, bytes, SecretKey::kSize, sodium_base64_VARIANT_ORIGINAL);
  std::string result(text, kBase64Size);
  sodium_memzero(text, sizeof text);
  WipeVectorRegisters();
  return result;
}

Error NotAKey(const char* kind) {
  return {.code = ErrorCode::kParse,
          .message = std::string("not a ") + kind + " key",
          .hint = "a key is 32 bytes as 44 characters of base64, such as `wg genkey` prints"};
}

uint8_t* NewSlot() { return reinterpret_cast<uint8_t*>(AllocateSecretBytes(SecretKey::kSize)); }

void RandomBytes(uint8_t* bytes, size_t size) {
  // sodium_init() is idempotent and thread-safe; it only opens the random source.
  if (sodium_init() < 0) sodium_misuse();
  randombytes_buf(bytes, size);
}

}  // namespace

PublicKey::PublicKey(std::span<const uint8_t, kSize> bytes) {
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

Result<PublicKey> PublicKey::Parse(std::string_view base64) {
  PublicKey key;
  if (!DecodeKey(base64, key.bytes_.data())) return NotAKey("public");
  return key;
}

std::string PublicKey::ToString() const { return EncodeKey(bytes_.data()); }

std::ostream& operator<<(std::ostream& out, const PublicKey& key) { return out << key.ToString(); }

SecretKey::SecretKey(std::span<const uint8_t, kSize> bytes) {
  if (sodium_is_zero(bytes.data(), kSize)) return;
  slot_ = NewSlot();
  CopySecretBytes(slot_, bytes.data(), kSize);
}

SecretKey::SecretKey(const SecretKey& other) : SecretKey(other.bytes()) {}

SecretKey::SecretKey(SecretKey&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}

SecretKey& SecretKey::operator=(const SecretKey& other) {
  if (this == &other) return *this;
  // Reusing the slot keeps assignment between two set keys free of allocation.
  if (slot_ != nullptr && other.slot_ != nullptr) {
    CopySecretBytes(slot_, other.slot_, kSize);
  } else {
    *this = SecretKey(other);
  }
  return *this;
}

SecretKey& SecretKey::operator=(SecretKey&& other) noexcept {
  std::swap(slot_, other.slot_);
  return *this;
}

SecretKey::~SecretKey() { FreeSecretBytes(reinterpret_cast<std::byte*>(slot_), kSize); }

SecretKey SecretKey::GeneratePreshared() {
  SecretKey key;
  key.slot_ = NewSlot();
  RandomBytes(key.slot_, kSize);
  return key;
}

SecretKey SecretKey::GeneratePrivate() { return GeneratePreshared().Clamped(); }

SecretKey SecretKey::Clamped() const {
  SecretKey key = *this;
  if (key.is_zero()) return key;
  key.slot_[0] &= 248;
  key.slot_[31] &= 127;
  key.slot_[31] |= 64;
  return key;
}

Result<SecretKey> SecretKey::Parse(std::string_view base64) {
  SecretKey key;
  key.slot_ = NewSlot();
  if (!DecodeKey(base64, key.slot_)) return NotAKey("private or preshared");
  if (sodium_is_zero(key.slot_, kSize)) return SecretKey();
  return key;
}

PublicKey SecretKey::Public() const {
  std::array<uint8_t, PublicKey::kSize> bytes{};
  crypto_scalarmult_base(bytes.data(), this->bytes().data());
  WipeVectorRegisters();
  return PublicKey(bytes);
}

bool SecretKey::is_zero() const { return slot_ == nullptr || sodium_is_zero(slot_, kSize); }

std::span<const uint8_t, SecretKey::kSize> SecretKey::bytes() const {
  return std::span<const uint8_t, kSize>(slot_ != nullptr ? slot_ : kZero, kSize);
}

std::string SecretKey::Reveal() const { return EncodeKey(bytes().data()); }

bool SecretKey::operator==(const SecretKey& other) const {
  return sodium_memcmp(bytes().data(), other.bytes().data(), kSize) == 0;
}

std::ostream& operator<<(std::ostream& out, const SecretKey& key) {
  return out << (key.is_zero() ? "(none)" : "(hidden)");
}

}  // namespace wgnet

size_t std::hash<wgnet::PublicKey>::operator()(const wgnet::PublicKey& key) const noexcept {
  size_t value;  // a public key is as good as random
  std::memcpy(&value, key.bytes().data(), sizeof value);
  return value;
}
