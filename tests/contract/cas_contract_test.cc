// What a CAS must do, run over (a) the blob store and (b) the services over gRPC on a Unix socket, through
// BlobTransfer.
#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "agent/service/byte_stream_service.h"
#include "agent/service/capabilities_service.h"
#include "agent/service/cas_service.h"
#include "agent/store/blob_store.h"
#include "content/resource_name.h"
#include "content/transfer/blob_transfer.h"
#include "content/transfer/rpc_status.h"
#include "content/tree.h"
#include "fmt/format.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "platform/directory.h"
#include "platform/file.h"

namespace wasmagent {
namespace {

using content::BlobSource;
using content::Digest;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A CAS as both kinds of subject offer it.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual absl::Status Put(std::vector<BlobSource> blobs) = 0;
  virtual std::vector<Digest> FindMissing(const std::vector<Digest>& digests) = 0;
  virtual absl::StatusOr<std::string> Read(const Digest& digest) = 0;
  virtual absl::Status Fetch(const Digest& digest, const std::string& path) = 0;
};

class StoreSubject : public Subject {
 public:
  explicit StoreSubject(store::BlobStore& store) : store_(store) {}
  absl::Status Put(std::vector<BlobSource> blobs) override {
    std::vector<store::BlobStore::Put> puts;
    std::vector<store::BlobStore::PutFile> files;
    for (const BlobSource& blob : blobs) {
      if (!blob.open) puts.push_back({blob.digest, blob.bytes});
      if (!blob.open) continue;
      files.push_back({blob.digest, [&blob]() -> absl::StatusOr<platform::ScopedFd> {
                         auto fd = blob.open();
                         if (!fd.ok()) return fd.status();
                         return platform::ScopedFd(*fd);
                       }});
    }
    for (const absl::Status& status : store_.PutAll(puts)) {
      if (!status.ok()) return status;
    }
    for (const absl::Status& status : store_.PutFiles(files, 2)) {
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }
  std::vector<Digest> FindMissing(const std::vector<Digest>& digests) override {
    return store_.FindMissingWhole(digests);
  }
  absl::StatusOr<std::string> Read(const Digest& digest) override { return store_.Read(digest); }
  absl::Status Fetch(const Digest& digest, const std::string& path) override {
    auto from = store_.OpenBlob(digest);
    if (!from.ok()) return from.status();
    auto to = platform::OpenAt(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    return platform::CopyContents(from->get(), to->get());
  }

 private:
  store::BlobStore& store_;
};

class GrpcSubject : public Subject {
 public:
  GrpcSubject(store::BlobStore& store, const platform::Clock& clock, const std::string& socket)
      : pool_(8), cas_(store, pool_), bytes_(store, pool_, clock) {
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(16 << 20);
    builder.AddListeningPort("unix:" + socket, grpc::InsecureServerCredentials());
    builder.RegisterService(&cas_);
    builder.RegisterService(&bytes_);
    builder.RegisterService(&capabilities_);
    server_ = builder.BuildAndStart();
    channel_ = grpc::CreateChannel("unix:" + socket, grpc::InsecureChannelCredentials());
    transfer_ = std::make_unique<content::BlobTransfer>(std::vector{channel_}, 4);
  }
  ~GrpcSubject() override {
    transfer_.reset();
    server_->Shutdown();
  }
  absl::Status Put(std::vector<BlobSource> blobs) override { return transfer_->Upload(std::move(blobs)); }
  std::vector<Digest> FindMissing(const std::vector<Digest>& digests) override {
    return transfer_->FindMissing(digests).value();
  }
  absl::StatusOr<std::string> Read(const Digest& digest) override { return transfer_->Read(digest); }
  absl::Status Fetch(const Digest& digest, const std::string& path) override {
    std::vector<content::BlobTransfer::Download> one;
    one.push_back({digest,
                   [path]() -> absl::StatusOr<int> { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600); },
                   path});
    return transfer_->DownloadAll(std::move(one));
  }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  platform::WorkerPool pool_;
  service::CasService cas_;
  service::ByteStreamService bytes_;
  service::CapabilitiesService capabilities_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<content::BlobTransfer> transfer_;
};

BlobSource Bytes(std::string bytes) { return {Digest::Of(bytes), {}, std::move(bytes), ""}; }

BlobSource File(const Digest& digest, const std::string& path) {
  return {digest, [path]() -> absl::StatusOr<int> { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }, "", path};
}

enum class Kind { kStore, kGrpc };

class CasContract : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    folder_ = platform::MakeTemporaryDirectory(::testing::TempDir(), "cas").value();
    Open();
  }
  void TearDown() override {
    subject_.reset();
    store_.reset();
    EXPECT_TRUE(platform::RemoveTree(folder_).ok());
  }
  void Open() {
    subject_.reset();
    store_.reset();
    store::BlobStoreOptions options;
    options.directory = folder_ + "/store";
    options.min_free_bytes = 0;
    options.grace = absl::ZeroDuration();
    store_ = store::BlobStore::Open(options, clock_).value();
    if (GetParam() == Kind::kStore) subject_ = std::make_unique<StoreSubject>(*store_);
    if (GetParam() == Kind::kGrpc) subject_ = std::make_unique<GrpcSubject>(*store_, clock_, folder_ + "/s");
  }

  platform::ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  std::string folder_;
  std::unique_ptr<store::BlobStore> store_;
  std::unique_ptr<Subject> subject_;
};

std::string KindName(const ::testing::TestParamInfo<Kind>& info) {
  return info.param == Kind::kStore ? "Store" : "Grpc";
}
INSTANTIATE_TEST_SUITE_P(Cas, CasContract, ::testing::Values(Kind::kStore, Kind::kGrpc), KindName);

// What was put can be read, is no longer missing, and is there after a restart.
TEST_P(CasContract, KeepsWhatItWasGiven) {
  ASSERT_EQ(subject_->FindMissing({Digest::Of("one"), Digest::Of("two")}).size(), 2U);
  ASSERT_TRUE(subject_->Put({Bytes("one")}).ok());
  EXPECT_THAT(subject_->FindMissing({Digest::Of("one"), Digest::Of("two"), Digest::Of("two")}),
              ElementsAre(Digest::Of("two")));
  EXPECT_EQ(subject_->Read(Digest::Of("one")).value(), "one");
  Open();
  EXPECT_THAT(subject_->FindMissing({Digest::Of("one")}), IsEmpty());
  EXPECT_EQ(subject_->Read(Digest::Of("one")).value(), "one");
  EXPECT_EQ(subject_->Read(Digest::Of("two")).status().code(), absl::StatusCode::kNotFound);
}

// The empty blob is always there, may be sent, and can be read.
TEST_P(CasContract, HasTheEmptyBlob) {
  EXPECT_THAT(subject_->FindMissing({Digest::Empty()}), IsEmpty());
  EXPECT_EQ(subject_->Read(Digest::Empty()).value(), "");
  EXPECT_TRUE(subject_->Put({Bytes("")}).ok());
  EXPECT_TRUE(subject_->Fetch(Digest::Empty(), folder_ + "/empty").ok());
  EXPECT_EQ(platform::ReadFile(folder_ + "/empty").value(), "");
}

// Bytes under another blob's digest are refused, small and large, and leave nothing behind; so is a wrong size.
TEST_P(CasContract, RefusesAWrongDigest) {
  BlobSource small = Bytes("right");
  small.bytes = "wrong";
  EXPECT_EQ(subject_->Put({small}).code(), absl::StatusCode::kInvalidArgument);
  BlobSource large = Bytes(std::string(5 << 20, 'a'));
  large.bytes.back() = 'b';
  EXPECT_EQ(subject_->Put({large}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(subject_->FindMissing({small.digest, large.digest}).size(), 2U);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/store/tmp"));
  ASSERT_TRUE(subject_->Put({Bytes("right")}).ok());
  Digest other_size = Digest::Of("right");
  other_size.size = 6;
  EXPECT_THAT(subject_->FindMissing({other_size}), ElementsAre(other_size));
}

// Blobs above the batch limit travel as streams, both ways, from files and into files.
TEST_P(CasContract, TakesLargeFiles) {
  std::string bytes;
  for (int64_t i = 0; bytes.size() < (9 << 20); ++i) bytes += fmt::format("{} ", i * 7919);
  ASSERT_TRUE(platform::WriteFileAtomically(folder_ + "/large", bytes, 0600, false).ok());
  Digest digest = Digest::Of(bytes);
  ASSERT_TRUE(subject_->Put({File(digest, folder_ + "/large")}).ok());
  ASSERT_TRUE(subject_->Fetch(digest, folder_ + "/back").ok());
  EXPECT_EQ(platform::ReadFile(folder_ + "/back").value(), bytes);
  EXPECT_EQ(subject_->Read(digest).value(), bytes);
}

// A Directory counts as present only when everything below it is: the root alone may be asked for.
TEST_P(CasContract, ARootIsPresentOnlyWhenItIsWhole) {
  auto tree = content::BuildTree({{"a/b/file", content::EntryKind::kFile, Digest::Of("x"), ""},
                                  {"a/other", content::EntryKind::kExecutable, Digest::Of("y"), ""}})
                  .value();
  std::vector<BlobSource> blobs;
  for (const auto& [digest, bytes] : tree.directories) blobs.push_back(Bytes(bytes));
  blobs.push_back(Bytes("x"));
  ASSERT_TRUE(subject_->Put(blobs).ok());
  EXPECT_THAT(subject_->FindMissing({tree.root}), ElementsAre(tree.root));
  EXPECT_THAT(store_->MissingFromTree(tree.root, 10).value(), ElementsAre(Digest::Of("y")));
  ASSERT_TRUE(subject_->Put({Bytes("y")}).ok());
  EXPECT_THAT(subject_->FindMissing({tree.root}), IsEmpty());
  Open();
  // What is known of a tree is found again after a restart.
  EXPECT_THAT(subject_->FindMissing({tree.root}), IsEmpty());
  ASSERT_TRUE(std::filesystem::remove(
      fmt::format("{}/store/blobs/{:02x}/{}", folder_, Digest::Of("y").hash[0], Digest::Of("y").Hex())));
  Open();
  EXPECT_THAT(subject_->FindMissing({tree.root}), ElementsAre(tree.root));
}

// A path of 400 levels is a tree like any other.
TEST_P(CasContract, TakesADeepTree) {
  std::string path = "leaf";
  for (int i = 0; i < 400; ++i) path = fmt::format("d{}/{}", i, path);
  auto tree = content::BuildTree({{path, content::EntryKind::kFile, Digest::Of("deep"), ""}}).value();
  std::vector<BlobSource> blobs = {Bytes("deep")};
  for (const auto& [digest, bytes] : tree.directories) blobs.push_back(Bytes(bytes));
  ASSERT_EQ(blobs.size(), 402U);
  ASSERT_TRUE(subject_->Put(blobs).ok());
  EXPECT_THAT(store_->MissingFromTree(tree.root, 10).value(), IsEmpty());
  EXPECT_THAT(subject_->FindMissing({tree.root}), IsEmpty());
  auto found = content::FindInTree(
      tree.root, [&](const Digest& digest) { return subject_->Read(digest); }, path);
  EXPECT_EQ(found.value().digest, Digest::Of("deep"));
}

// 100,000 digests in one question.
TEST_P(CasContract, AnswersForAHundredThousandDigests) {
  ASSERT_TRUE(subject_->Put({Bytes("50000")}).ok());
  std::vector<Digest> digests;
  for (int i = 0; i < 100'000; ++i) digests.push_back(Digest::Of(std::to_string(i)));
  auto missing = subject_->FindMissing(digests);
  EXPECT_EQ(missing.size(), 99'999U);
}

// Files left in tmp/ and trash/ by a crash are gone after the next start, and were never seen.
TEST_P(CasContract, ATornWriteIsNeverSeen) {
  ASSERT_TRUE(subject_->Put({Bytes("whole")}).ok());
  auto writer = store_->NewWriter(Digest::Of("torn and more")).value();
  ASSERT_TRUE(writer->Write("torn").ok());
  std::filesystem::copy(folder_ + "/store/tmp", folder_ + "/crashed");
  writer.reset();
  ASSERT_TRUE(platform::WriteFileAtomically(folder_ + "/store/trash/7", "rest", 0444, false).ok());
  subject_.reset();
  store_.reset();
  std::filesystem::copy(folder_ + "/crashed", folder_ + "/store/tmp");
  ASSERT_FALSE(std::filesystem::is_empty(folder_ + "/store/tmp"));
  Open();
  EXPECT_THAT(subject_->FindMissing({Digest::Of("torn and more"), Digest::Of("whole")}),
              ElementsAre(Digest::Of("torn and more")));
  EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/store/tmp"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/store/trash"));
}

// Blobs are collected while others are put and read; what is leased stays, with all below it.
TEST_P(CasContract, CollectsWhileItIsUsed) {
  auto tree = content::BuildTree({{"kept/file", content::EntryKind::kFile, Digest::Of("kept"), ""}}).value();
  std::vector<BlobSource> blobs = {Bytes("kept")};
  for (const auto& [digest, bytes] : tree.directories) blobs.push_back(Bytes(bytes));
  ASSERT_TRUE(subject_->Put(blobs).ok());
  store::Lease lease = store_->LeaseTree(tree.root);
  std::atomic<bool> stop = false;
  std::thread collector([&] {
    while (!stop) EXPECT_TRUE(store_->Collect(0, {}).ok());
  });
  for (int i = 0; i < 60; ++i) {
    std::string bytes = fmt::format("blob {}", i % 7);
    store::Lease mine = store_->LeaseBlobs({Digest::Of(bytes)});
    absl::Status put = subject_->Put({Bytes(bytes)});
    EXPECT_TRUE(put.ok()) << put;
    EXPECT_EQ(subject_->Read(Digest::Of(bytes)).value_or("gone"), bytes);
    EXPECT_THAT(subject_->FindMissing({tree.root}), IsEmpty());
  }
  stop = true;
  collector.join();
  EXPECT_THAT(store_->MissingFromTree(tree.root, 10).value(), IsEmpty());
  lease = store::Lease();
  ASSERT_TRUE(store_->Collect(0, {}).ok());
  EXPECT_EQ(store_->Stats().blobs, 0U);
}

// Only over the wire from here on.
class CasWire : public CasContract {
 protected:
  std::shared_ptr<grpc::Channel> channel() { return static_cast<GrpcSubject&>(*subject_).channel(); }
};
INSTANTIATE_TEST_SUITE_P(Cas, CasWire, ::testing::Values(Kind::kGrpc), KindName);

// A file that changed after it was hashed is noticed by its name, whether it shrank, grew or changed in place.
TEST_P(CasWire, NoticesAFileThatChanges) {
  for (const std::string& now : {std::string("shorte"), std::string("longer 12"), std::string("changed!")}) {
    ASSERT_TRUE(platform::WriteFileAtomically(folder_ + "/file", now, 0600, false).ok());
    absl::Status put = subject_->Put({File(Digest::Of("original"), folder_ + "/file")});
    EXPECT_EQ(put.code(), absl::StatusCode::kAborted) << put;
    EXPECT_THAT(std::string(put.message()), ::testing::HasSubstr(folder_ + "/file"));
  }
  std::string large(5 << 20, 'x');
  Digest digest = Digest::Of(large);
  large[4 << 20] = 'y';
  ASSERT_TRUE(platform::WriteFileAtomically(folder_ + "/file", large, 0600, false).ok());
  EXPECT_EQ(subject_->Put({File(digest, folder_ + "/file")}).code(), absl::StatusCode::kAborted);
  EXPECT_EQ(store_->Stats().blobs, 0U);
}

// A cut upload goes on where the server stopped, on a new stream; after the idle limit it begins anew.
TEST_P(CasWire, ResumesACutUpload) {
  std::string bytes(3 << 20, 'r');
  Digest digest = Digest::Of(bytes);
  auto stub = google::bytestream::ByteStream::NewStub(channel());
  std::string name = content::ResourceName{"", content::NewUploadId(), digest, false}.ToString();
  auto begin = [&](size_t size) {
    grpc::ClientContext context;
    google::bytestream::WriteResponse response;
    auto writer = stub->Write(&context, &response);
    google::bytestream::WriteRequest request;
    request.set_resource_name(name);
    request.set_data(bytes.substr(0, size));
    EXPECT_TRUE(writer->Write(request));
    writer->WritesDone();
    EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  };
  auto committed = [&] {
    grpc::ClientContext context;
    google::bytestream::QueryWriteStatusRequest request;
    google::bytestream::QueryWriteStatusResponse response;
    request.set_resource_name(name);
    EXPECT_TRUE(stub->QueryWriteStatus(&context, request, &response).ok());
    return response.committed_size();
  };
  begin(1 << 20);
  EXPECT_EQ(committed(), 1 << 20);
  clock_.Advance(service::CutUploads::kIdleLimit + absl::Seconds(1));
  EXPECT_EQ(committed(), 0);
  begin(2 << 20);
  ASSERT_EQ(committed(), 2 << 20);
  grpc::ClientContext context;
  google::bytestream::WriteResponse response;
  auto writer = stub->Write(&context, &response);
  google::bytestream::WriteRequest request;
  request.set_resource_name(name);
  request.set_write_offset(2 << 20);
  request.set_data(bytes.substr(2 << 20));
  request.set_finish_write(true);
  ASSERT_TRUE(writer->Write(request));
  ASSERT_TRUE(writer->Finish().ok());
  EXPECT_EQ(response.committed_size(), 3 << 20);
  EXPECT_EQ(subject_->Read(digest).value(), bytes);
}

// Sizes come from the wire: those whose sum would overflow are a batch that is too large, sent or asked for.
TEST_P(CasWire, SizesThatOverflowAreRefused) {
  namespace reapi = content::reapi;
  auto stub = reapi::ContentAddressableStorage::NewStub(channel());
  reapi::BatchUpdateBlobsRequest update;
  reapi::BatchReadBlobsRequest read;
  for (int64_t size : {INT64_MAX, INT64_MAX, int64_t{2}}) {
    content::reapi::Digest digest = Digest::Of("x").ToProto();
    digest.set_size_bytes(size);
    *update.add_requests()->mutable_digest() = digest;
    *read.add_digests() = digest;
  }
  reapi::BatchUpdateBlobsResponse updated;
  reapi::BatchReadBlobsResponse got;
  grpc::ClientContext one, two;
  EXPECT_EQ(stub->BatchUpdateBlobs(&one, update, &updated).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(stub->BatchReadBlobs(&two, read, &got).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

// Each blob of a batch has its own answer: a bad one does not spoil the others; zstd is taken.
TEST_P(CasWire, AnswersOneByOne) {
  namespace reapi = content::reapi;
  auto stub = reapi::ContentAddressableStorage::NewStub(channel());
  reapi::BatchUpdateBlobsRequest request;
  auto add = [&](const std::string& of, const std::string& data) {
    auto* item = request.add_requests();
    *item->mutable_digest() = Digest::Of(of).ToProto();
    item->set_data(data);
    return item;
  };
  add("good", "good");
  add("bad", "dab");
  add("packed", "not zstd")->set_compressor(reapi::Compressor::ZSTD);
  reapi::BatchUpdateBlobsResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(stub->BatchUpdateBlobs(&context, request, &response).ok());
  ASSERT_EQ(response.responses_size(), 3);
  EXPECT_EQ(response.responses(0).status().code(), grpc::StatusCode::OK);
  EXPECT_EQ(response.responses(1).status().code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(response.responses(2).status().code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(store_->Has(Digest::Of("good")));
}

}  // namespace
}  // namespace wasmagent
