#include "content/digest.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <charconv>
#include <limits>
#include <memory>
#include <utility>

#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::content {
namespace {

// The algorithm is looked up once: OpenSSL 3 would otherwise search its providers for every digest, which costs more
// than hashing a small file.
const EVP_MD* Sha256() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

absl::StatusOr<Digest> FromText(std::string_view hex, uint64_t size) {
  Digest digest;
  bool good = hex.size() == 2 * digest.hash.size();
  for (size_t i = 0; good && i < digest.hash.size(); ++i) {
    int high = HexValue(hex[2 * i]);
    int low = HexValue(hex[2 * i + 1]);
    good = high >= 0 && low >= 0;
    digest.hash[i] = static_cast<uint8_t>((high << 4) | (low & 15));
  }
  if (!good) {
    return absl::InvalidArgumentError(
        fmt::format("a digest's hash must be 64 lowercase hexadecimal digits, this has {} characters", hex.size()));
  }
  digest.size = size;
  return digest;
}

}  // namespace

const Digest& Digest::Empty() {
  static const Digest empty = Of("");
  return empty;
}

Digest Digest::Of(std::string_view bytes) {
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  Digest digest;
  EVP_DigestInit_ex2(context.get(), Sha256(), nullptr);
  EVP_DigestUpdate(context.get(), bytes.data(), bytes.size());
  EVP_DigestFinal_ex(context.get(), digest.hash.data(), nullptr);
  digest.size = bytes.size();
  return digest;
}

absl::StatusOr<Digest> Digest::FromProto(const reapi::Digest& proto) {
  if (proto.size_bytes() < 0) {
    return absl::InvalidArgumentError(fmt::format("a digest's size must not be negative: {}", proto.size_bytes()));
  }
  return FromText(proto.hash(), static_cast<uint64_t>(proto.size_bytes()));
}

absl::StatusOr<Digest> Digest::Parse(std::string_view hash_and_size) {
  size_t slash = hash_and_size.find('/');
  if (slash == std::string_view::npos) return absl::InvalidArgumentError("a digest is written <hash>/<size>");
  std::string_view number = hash_and_size.substr(slash + 1);
  uint64_t size = 0;
  auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), size);
  bool canonical =
      error == std::errc() && end == number.data() + number.size() && (number.size() == 1 || number[0] != '0');
  // The wire has it as a signed number.
  if (!canonical || size > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return absl::InvalidArgumentError("a digest's size must be a plain decimal number");
  }
  return FromText(hash_and_size.substr(0, slash), size);
}

reapi::Digest Digest::ToProto() const {
  reapi::Digest proto;
  proto.set_hash(Hex());
  proto.set_size_bytes(static_cast<int64_t>(size));
  return proto;
}

std::string Digest::Hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex(2 * hash.size(), '\0');
  for (size_t i = 0; i < hash.size(); ++i) {
    hex[2 * i] = kDigits[hash[i] >> 4];
    hex[2 * i + 1] = kDigits[hash[i] & 15];
  }
  return hex;
}

std::string Digest::ToString() const { return fmt::format("{}/{}", Hex(), size); }

struct Hasher::Impl {
  std::unique_ptr<EVP_MD_CTX, FreeContext> context{EVP_MD_CTX_new()};
  uint64_t size = 0;
};

Hasher::Hasher() : impl_(new Impl) { EVP_DigestInit_ex2(impl_->context.get(), Sha256(), nullptr); }

Hasher::~Hasher() { delete impl_; }

Hasher::Hasher(Hasher&& other) noexcept : impl_(std::exchange(other.impl_, nullptr)) {}

Hasher& Hasher::operator=(Hasher&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

void Hasher::Update(std::string_view bytes) {
  EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size());
  impl_->size += bytes.size();
}

Digest Hasher::Finish() {
  Digest digest;
  EVP_DigestFinal_ex(impl_->context.get(), digest.hash.data(), nullptr);
  digest.size = std::exchange(impl_->size, 0);
  EVP_DigestInit_ex2(impl_->context.get(), Sha256(), nullptr);
  return digest;
}

absl::StatusOr<Digest> DigestOfFile(int fd) {
  // One buffer a thread, so that hashing thousands of small files allocates nothing.
  constexpr size_t kChunk = 256 * 1024;
  thread_local const std::unique_ptr<char[]> buffer(new char[kChunk]);
  ssize_t got = 0;
  // A small file is whole after one read, and the second finds the end; only a longer one needs a running hash.
  size_t filled = 0;
  do {
    got = ::read(fd, buffer.get() + filled, kChunk - filled);
    if (got > 0) filled += static_cast<size_t>(got);
  } while ((got > 0 && filled < kChunk) || (got < 0 && errno == EINTR));
  if (got < 0) return platform::ErrnoStatus(errno, "read");
  if (got == 0) return Digest::Of(std::string_view(buffer.get(), filled));
  Hasher hasher;
  hasher.Update(std::string_view(buffer.get(), filled));
  while (true) {
    got = ::read(fd, buffer.get(), kChunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return platform::ErrnoStatus(errno, "read");
    if (got == 0) return hasher.Finish();
    hasher.Update(std::string_view(buffer.get(), static_cast<size_t>(got)));
  }
}

}  // namespace wasmagent::content
