#include "content/compression.h"

#include <zstd.h>

#include <algorithm>
#include <vector>

#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::content {
namespace {

// Level 1: 500 MB/s and more a core, so that compressing never is slower than a 1 Gbit/s wire.
constexpr int kLevel = 1;
// A sender chooses the window, and the receiver pays for it in memory: 8 MiB is what the zstd tool takes by default.
constexpr int kMaxWindowLog = 23;

struct FreeCompressor {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
struct FreeDecompressor {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

absl::Status Broken(std::string_view why) { return absl::InvalidArgumentError(fmt::format("zstd: {}", why)); }

}  // namespace

struct Compressor::Impl {
  std::unique_ptr<ZSTD_CCtx, FreeCompressor> context{ZSTD_createCCtx()};
  std::vector<char> buffer = std::vector<char>(ZSTD_CStreamOutSize());
};

Compressor::Compressor() : impl_(std::make_unique<Impl>()) {
  ZSTD_CCtx_setParameter(impl_->context.get(), ZSTD_c_compressionLevel, kLevel);
}
Compressor::~Compressor() = default;
Compressor::Compressor(Compressor&&) noexcept = default;

absl::Status Compressor::Append(std::string_view bytes, bool last, std::string& out) {
  ZSTD_inBuffer in = {bytes.data(), bytes.size(), 0};
  while (true) {
    ZSTD_outBuffer piece = {impl_->buffer.data(), impl_->buffer.size(), 0};
    size_t left = ZSTD_compressStream2(impl_->context.get(), &piece, &in, last ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left)) return absl::InternalError(fmt::format("zstd: {}", ZSTD_getErrorName(left)));
    out.append(impl_->buffer.data(), piece.pos);
    if (last ? left == 0 : in.pos == in.size) return absl::OkStatus();
  }
}

std::string Compress(std::string_view bytes) {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeCompressor> context(ZSTD_createCCtx());
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  size_t size = ZSTD_compressCCtx(context.get(), out.data(), out.size(), bytes.data(), bytes.size(), kLevel);
  // With a buffer of compressBound bytes the library fails only when memory is out.
  out.resize(ZSTD_isError(size) ? 0 : size);
  return out;
}

struct Decompressor::Impl {
  std::unique_ptr<ZSTD_DCtx, FreeDecompressor> context{ZSTD_createDCtx()};
  std::vector<char> buffer;
  uint64_t left = 0;
  bool whole = true;
};

Decompressor::Decompressor(uint64_t limit) : impl_(std::make_unique<Impl>()) {
  impl_->left = limit;
  ZSTD_DCtx_setParameter(impl_->context.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
}
Decompressor::~Decompressor() = default;
Decompressor::Decompressor(Decompressor&&) noexcept = default;

absl::Status Decompressor::Unpack(std::string_view compressed,
                                  const std::function<absl::Status(std::string_view)>& take) {
  if (compressed.empty()) return absl::OkStatus();
  impl_->buffer.resize(ZSTD_DStreamOutSize());
  ZSTD_inBuffer in = {compressed.data(), compressed.size(), 0};
  bool flushed = false;
  while (in.pos < in.size || !flushed) {
    // One byte beyond the limit shows that there is more.
    size_t room = static_cast<size_t>(std::min<uint64_t>(impl_->left + 1, impl_->buffer.size()));
    ZSTD_outBuffer piece = {impl_->buffer.data(), room, 0};
    size_t hint = ZSTD_decompressStream(impl_->context.get(), &piece, &in);
    if (ZSTD_isError(hint)) return Broken(ZSTD_getErrorName(hint));
    if (piece.pos > impl_->left) return Broken("more bytes than the digest says");
    impl_->left -= piece.pos;
    if (piece.pos > 0) RETURN_IF_ERROR(take(std::string_view(impl_->buffer.data(), piece.pos)));
    impl_->whole = hint == 0;
    // A call without input after a whole frame would begin another one.
    flushed = piece.pos < room || (hint == 0 && in.pos == in.size);
  }
  return absl::OkStatus();
}

absl::Status Decompressor::Append(std::string_view compressed, std::string& out) {
  return Unpack(compressed, [&out](std::string_view piece) {
    out.append(piece);
    return absl::OkStatus();
  });
}

absl::Status Decompressor::Finish() const { return impl_->whole ? absl::OkStatus() : Broken("the last frame is cut"); }

absl::StatusOr<std::string> Decompress(std::string_view compressed, uint64_t limit) {
  Decompressor decompressor(limit);
  std::string out;
  RETURN_IF_ERROR(decompressor.Append(compressed, out));
  RETURN_IF_ERROR(decompressor.Finish());
  return out;
}

}  // namespace wasmagent::content
