// Zstandard, whole and in pieces, with a bound on what comes out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wasmagent::content {

// Compresses at once, at a level meant for the wire (fast, not small).
std::string Compress(std::string_view bytes);

// Undoes Compress or any other zstd frames. INVALID_ARGUMENT when they are broken or cut, or when more than `limit`
// bytes come out; nothing beyond `limit` is ever allocated.
absl::StatusOr<std::string> Decompress(std::string_view compressed, uint64_t limit);

// Compresses a stream. Costs about 1 MiB while it lives. Not thread-safe.
class Compressor {
 public:
  Compressor();
  ~Compressor();
  Compressor(Compressor&&) noexcept;
  // Appends to `out` what these bytes give so far; with `last` the frame is closed.
  absl::Status Append(std::string_view bytes, bool last, std::string& out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Undoes a stream. `limit` bounds all that comes out, which is what a digest says; a frame's window is bounded to 8
// MiB. Not thread-safe.
class Decompressor {
 public:
  explicit Decompressor(uint64_t limit);
  ~Decompressor();
  Decompressor(Decompressor&&) noexcept;
  // Gives `take` what these bytes give, a buffer of zstd's (128 KiB) at a time: a few packed bytes can give gigabytes.
  // INVALID_ARGUMENT when they are broken or give more than the limit; ends with the first error of `take`.
  absl::Status Unpack(std::string_view compressed, const std::function<absl::Status(std::string_view)>& take);
  // The same, appended to `out`.
  absl::Status Append(std::string_view compressed, std::string& out);
  // INVALID_ARGUMENT when the last frame is not whole.
  absl::Status Finish() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wasmagent::content
