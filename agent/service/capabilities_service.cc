#include "agent/service/capabilities_service.h"

namespace wasmagent::service {

namespace reapi = ::build::bazel::remote::execution::v2;

grpc::ServerUnaryReactor* CapabilitiesService::GetCapabilities(grpc::CallbackServerContext* context,
                                                               const reapi::GetCapabilitiesRequest* /*request*/,
                                                               reapi::ServerCapabilities* response) {
  reapi::CacheCapabilities* cache = response->mutable_cache_capabilities();
  cache->add_digest_functions(reapi::DigestFunction::SHA256);
  cache->mutable_action_cache_update_capabilities()->set_update_enabled(false);
  cache->set_max_batch_total_size_bytes(kMaxBatchBytes);
  cache->set_symlink_absolute_path_strategy(reapi::SymlinkAbsolutePathStrategy::ALLOWED);
  cache->add_supported_compressors(reapi::Compressor::ZSTD);
  cache->add_supported_batch_update_compressors(reapi::Compressor::ZSTD);
  response->mutable_deprecated_api_version()->set_major(2);
  response->mutable_low_api_version()->set_major(2);
  response->mutable_high_api_version()->set_major(2);
  response->mutable_high_api_version()->set_minor(3);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

}  // namespace wasmagent::service
