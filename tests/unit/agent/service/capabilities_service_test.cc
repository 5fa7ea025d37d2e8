#include "agent/service/capabilities_service.h"

#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"

namespace wasmagent::service {
namespace {

namespace reapi = ::build::bazel::remote::execution::v2;
using ::testing::ElementsAre;

// What a foreign client reads before it sends: digest function, compressors, version, and that no results are taken.
TEST(CapabilitiesService, TellsWhatClientsNeed) {
  CapabilitiesService service;
  grpc::ServerBuilder builder;
  builder.RegisterService(&service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  auto stub = reapi::Capabilities::NewStub(server->InProcessChannel({}));
  grpc::ClientContext context;
  reapi::ServerCapabilities answer;
  ASSERT_TRUE(stub->GetCapabilities(&context, {}, &answer).ok());
  const reapi::CacheCapabilities& cache = answer.cache_capabilities();
  EXPECT_THAT(cache.digest_functions(), ElementsAre(reapi::DigestFunction::SHA256));
  EXPECT_THAT(cache.supported_compressors(), ElementsAre(reapi::Compressor::ZSTD));
  EXPECT_THAT(cache.supported_batch_update_compressors(), ElementsAre(reapi::Compressor::ZSTD));
  EXPECT_FALSE(cache.action_cache_update_capabilities().update_enabled());
  EXPECT_EQ(answer.low_api_version().major(), 2);
  EXPECT_EQ(cache.max_batch_total_size_bytes(), kMaxBatchBytes);
}

// A batch of the largest size, in many blobs, fits a message of gRPC's default size.
TEST(CapabilitiesService, TheLargestBatchFitsAMessage) {
  reapi::BatchUpdateBlobsRequest request;
  for (int i = 0; i < 400; ++i) {
    auto* blob = request.add_requests();
    blob->mutable_digest()->set_hash(std::string(64, 'a'));
    blob->mutable_digest()->set_size_bytes(kMaxBatchBytes / 400);
    blob->set_data(std::string(kMaxBatchBytes / 400, 'x'));
  }
  EXPECT_LE(request.ByteSizeLong(), size_t{4} << 20);
}

}  // namespace
}  // namespace wasmagent::service
