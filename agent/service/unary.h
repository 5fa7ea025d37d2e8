// Answering a unary call from a worker thread.
#pragma once

#include "absl/status/status.h"
#include "agent/service/status_conversion.h"
#include "grpcpp/grpcpp.h"
#include "platform/worker_pool.h"

namespace wasmagent::service {

// Runs `work` on the pool and finishes the call with the status that it returns. Request and response live until then.
template <typename Work>
grpc::ServerUnaryReactor* FinishOnPool(grpc::CallbackServerContext* context, platform::WorkerPool& pool, Work work) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  pool.Run([reactor, work = std::move(work)] { reactor->Finish(ToGrpcStatus(work())); });
  return reactor;
}

}  // namespace wasmagent::service
