#include "agent/service/action_cache_service.h"

#include "agent/service/status_conversion.h"
#include "content/digest.h"
#include "fmt/format.h"

namespace wasmagent::service {

namespace reapi = ::build::bazel::remote::execution::v2;

grpc::ServerUnaryReactor* ActionCacheService::GetActionResult(grpc::CallbackServerContext* context,
                                                              const reapi::GetActionResultRequest* request,
                                                              reapi::ActionResult* /*response*/) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  auto digest = content::Digest::FromProto(request->action_digest());
  absl::Status status = digest.ok()
                            ? absl::NotFoundError(fmt::format("no result of action {} is known", digest->ToString()))
                            : digest.status();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

grpc::ServerUnaryReactor* ActionCacheService::UpdateActionResult(grpc::CallbackServerContext* context,
                                                                 const reapi::UpdateActionResultRequest* /*request*/,
                                                                 reapi::ActionResult* /*response*/) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(absl::PermissionDeniedError("only the agent writes action results")));
  return reactor;
}

}  // namespace wasmagent::service
