// What a blob is called: SHA-256 and size.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "build/bazel/remote/execution/v2/remote_execution.pb.h"

namespace wasmagent::content {

namespace reapi = ::build::bazel::remote::execution::v2;

// A blob's identity. A value of 40 bytes; ordered and hashable. The default one is the empty blob's only when made by
// Empty(): a default-constructed Digest is "none".
struct Digest {
  std::array<uint8_t, 32> hash = {};
  uint64_t size = 0;

  auto operator<=>(const Digest&) const = default;

  // The digest of no bytes.
  static const Digest& Empty();
  // Digest of these bytes.
  static Digest Of(std::string_view bytes);
  // From the wire. INVALID_ARGUMENT unless the hash is 64 lowercase hexadecimal digits and the size is not negative.
  static absl::StatusOr<Digest> FromProto(const reapi::Digest& proto);
  // "<hash>/<size>", as resource names have it.
  static absl::StatusOr<Digest> Parse(std::string_view hash_and_size);

  reapi::Digest ToProto() const;
  std::string Hex() const;
  // "<hash>/<size>".
  std::string ToString() const;

  template <typename H>
  friend H AbslHashValue(H h, const Digest& d) {
    return H::combine(std::move(h), d.hash, d.size);
  }
};

// Hashes bytes as they come. Costs one OpenSSL context; about 1.7 GB/s where the CPU has SHA instructions.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void Update(std::string_view bytes);
  // The digest of all bytes so far; the hasher begins anew.
  Digest Finish();

 private:
  struct Impl;
  Impl* impl_;
};

// Digest of what is left to read of a descriptor.
absl::StatusOr<Digest> DigestOfFile(int fd);

}  // namespace wasmagent::content
