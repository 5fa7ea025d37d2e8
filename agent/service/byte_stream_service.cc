#include "agent/service/byte_stream_service.h"

#include <algorithm>
#include <optional>

#include "agent/service/status_conversion.h"
#include "agent/service/unary.h"
#include "content/compression.h"
#include "content/resource_name.h"
#include "fmt/format.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::service {
namespace {

using google::bytestream::ReadRequest;
using google::bytestream::ReadResponse;
using google::bytestream::WriteRequest;
using google::bytestream::WriteResponse;

// Bytes of a blob in one message: below every client's limit of 4 MiB, and large enough that a message's cost does not
// show.
constexpr size_t kChunk = size_t{1} << 20;

absl::StatusOr<content::ResourceName> ParseUpload(const std::string& text) {
  ASSIGN_OR_RETURN(auto name, content::ParseResourceName(text));
  if (name.is_upload()) return name;
  return absl::InvalidArgumentError("resource name: an upload's begins with uploads/{uuid}/");
}

// Receives one blob. Deletes itself when the call is over.
class WriteCall final : public grpc::ServerReadReactor<WriteRequest> {
 public:
  WriteCall(store::BlobStore& store, platform::WorkerPool& pool, CutUploads& uploads, WriteResponse& response)
      : store_(store), pool_(pool), uploads_(uploads), response_(response) {
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (ok) return pool_.Run([this] { Take(); });
    // Cut, or closed without finish_write: what has come may be continued. Compressed uploads begin anew, their offsets
    // mix two units.
    if (writer_ && !name_->zstd) uploads_.Park(text_, std::move(writer_));
    Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the upload was cut; ask QueryWriteStatus where to go on"));
  }
  void OnDone() override { delete this; }

 private:
  void Take() {
    absl::StatusOr<bool> more = TakeMessage();
    // Refused bytes are gone before the client hears of it.
    if (!more.ok()) writer_.reset();
    if (!more.ok()) return Finish(ToGrpcStatus(more.status()));
    if (!*more) return Finish(grpc::Status::OK);
    StartRead(&request_);
  }

  // False when the answer can be given.
  absl::StatusOr<bool> TakeMessage() {
    if (!name_) RETURN_IF_ERROR(Open());
    if (!request_.resource_name().empty() && request_.resource_name() != text_) {
      return absl::InvalidArgumentError("resource_name must not change within an upload");
    }
    if (store_.Has(name_->digest)) {
      // It was there, or came meanwhile from elsewhere.
      response_.set_committed_size(name_->zstd ? -1 : static_cast<int64_t>(name_->digest.size));
      return false;
    }
    if (!writer_) RETURN_IF_ERROR(Begin());
    if (request_.write_offset() != static_cast<int64_t>(received_)) {
      return absl::InvalidArgumentError(
          fmt::format("write_offset is {}, but {} bytes have come", request_.write_offset(), received_));
    }
    RETURN_IF_ERROR(Append());
    if (!request_.finish_write()) return true;
    if (unpack_) RETURN_IF_ERROR(unpack_->Finish());
    RETURN_IF_ERROR(writer_->Commit());
    writer_.reset();
    response_.set_committed_size(static_cast<int64_t>(received_));
    return false;
  }

  absl::Status Open() {
    text_ = request_.resource_name();
    ASSIGN_OR_RETURN(name_, ParseUpload(text_));
    return absl::OkStatus();
  }

  absl::Status Begin() {
    // A client that begins with 0 wants a fresh start.
    if (request_.write_offset() > 0 && !name_->zstd) writer_ = uploads_.Take(text_);
    if (writer_) {
      received_ = writer_->written();
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(writer_, store_.NewWriter(name_->digest));
    if (name_->zstd) unpack_.emplace(name_->digest.size);
    return absl::OkStatus();
  }

  absl::Status Append() {
    received_ += request_.data().size();
    if (!unpack_) return writer_->Write(request_.data());
    return unpack_->Unpack(request_.data(), [this](std::string_view plain) { return writer_->Write(plain); });
  }

  store::BlobStore& store_;
  platform::WorkerPool& pool_;
  CutUploads& uploads_;
  WriteResponse& response_;
  WriteRequest request_;
  std::string text_;
  std::optional<content::ResourceName> name_;
  std::unique_ptr<store::BlobWriter> writer_;
  std::optional<content::Decompressor> unpack_;
  uint64_t received_ = 0;
};

// Sends one blob. Deletes itself when the call is over.
class ReadCall final : public grpc::ServerWriteReactor<ReadResponse> {
 public:
  ReadCall(store::BlobStore& store, platform::WorkerPool& pool, const ReadRequest& request)
      : store_(store), pool_(pool) {
    pool_.Run([this, request] {
      absl::Status status = Open(request);
      if (!status.ok()) return Finish(ToGrpcStatus(status));
      Send();
    });
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the reader is gone"));
    pool_.Run([this] { Send(); });
  }
  void OnDone() override { delete this; }

 private:
  absl::Status Open(const ReadRequest& request) {
    ASSIGN_OR_RETURN(auto name, content::ParseResourceName(request.resource_name()));
    if (name.is_upload()) return absl::InvalidArgumentError("resource name: an upload's cannot be read");
    if (request.read_offset() < 0) return absl::OutOfRangeError("read_offset must not be negative");
    if (request.read_limit() < 0) return absl::InvalidArgumentError("read_limit must not be negative");
    if (name.zstd && request.read_limit() != 0)
      return absl::InvalidArgumentError("read_limit must be 0 for compressed blobs");
    lease_ = store_.LeaseBlobs({name.digest});
    ASSIGN_OR_RETURN(fd_, store_.OpenBlob(name.digest));
    offset_ = static_cast<uint64_t>(request.read_offset());
    if (offset_ > name.digest.size) {
      return absl::OutOfRangeError(
          fmt::format("read_offset {} is beyond the blob's {} bytes", offset_, name.digest.size));
    }
    left_ = name.digest.size - offset_;
    if (request.read_limit() > 0) left_ = std::min(left_, static_cast<uint64_t>(request.read_limit()));
    if (name.zstd) pack_.emplace();
    return absl::OkStatus();
  }

  absl::Status Fill() {
    std::string& data = *response_.mutable_data();
    data.clear();
    // Compressing takes in more than it gives: until there is something to send.
    do {
      std::string plain(static_cast<size_t>(std::min<uint64_t>(left_, kChunk)), '\0');
      ASSIGN_OR_RETURN(size_t got, platform::ReadAt(fd_.get(), plain.data(), plain.size(), offset_));
      if (got != plain.size()) return absl::DataLossError("the blob is cut");
      offset_ += got;
      left_ -= got;
      if (!pack_) {
        data = std::move(plain);
      } else {
        RETURN_IF_ERROR(pack_->Append(plain, left_ == 0, data));
      }
    } while (left_ > 0 && data.size() < kChunk / 4);
    return absl::OkStatus();
  }

  void Send() {
    absl::Status status = Fill();
    if (!status.ok()) return Finish(ToGrpcStatus(status));
    if (left_ == 0) return StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
    StartWrite(&response_);
  }

  store::BlobStore& store_;
  platform::WorkerPool& pool_;
  store::Lease lease_;
  platform::ScopedFd fd_;
  std::optional<content::Compressor> pack_;
  uint64_t offset_ = 0;
  uint64_t left_ = 0;
  ReadResponse response_;
};

}  // namespace

void CutUploads::DropOld() {
  absl::MutexLock lock(&mutex_);
  DropOldLocked();
}

void CutUploads::DropOldLocked() {
  std::erase_if(waiting_, [&](const auto& entry) { return clock_.Now() - entry.second.since > kIdleLimit; });
}

void CutUploads::Park(const std::string& name, std::unique_ptr<store::BlobWriter> writer) {
  absl::MutexLock lock(&mutex_);
  DropOldLocked();
  waiting_[name] = {std::move(writer), clock_.Now()};
  if (waiting_.size() <= kMost) return;
  waiting_.erase(std::min_element(waiting_.begin(), waiting_.end(),
                                  [](const auto& a, const auto& b) { return a.second.since < b.second.since; }));
}

std::unique_ptr<store::BlobWriter> CutUploads::Take(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  DropOldLocked();
  auto found = waiting_.find(name);
  if (found == waiting_.end()) return nullptr;
  std::unique_ptr<store::BlobWriter> writer = std::move(found->second.writer);
  waiting_.erase(found);
  return writer;
}

uint64_t CutUploads::BytesOf(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  DropOldLocked();
  auto found = waiting_.find(name);
  return found == waiting_.end() ? 0 : found->second.writer->written();
}

grpc::ServerWriteReactor<ReadResponse>* ByteStreamService::Read(grpc::CallbackServerContext* /*context*/,
                                                                const ReadRequest* request) {
  return new ReadCall(store_, pool_, *request);
}

grpc::ServerReadReactor<WriteRequest>* ByteStreamService::Write(grpc::CallbackServerContext* /*context*/,
                                                                WriteResponse* response) {
  return new WriteCall(store_, pool_, uploads_, *response);
}

grpc::ServerUnaryReactor* ByteStreamService::QueryWriteStatus(
    grpc::CallbackServerContext* context, const google::bytestream::QueryWriteStatusRequest* request,
    google::bytestream::QueryWriteStatusResponse* response) {
  return FinishOnPool(context, pool_, [this, request, response]() -> absl::Status {
    ASSIGN_OR_RETURN(auto name, ParseUpload(request->resource_name()));
    bool complete = store_.Has(name.digest);
    response->set_complete(complete);
    response->set_committed_size(
        static_cast<int64_t>(complete ? name.digest.size : uploads_.BytesOf(request->resource_name())));
    return absl::OkStatus();
  });
}

}  // namespace wasmagent::service
