#include "client/session/grpc_status.h"

#include <string>

#include "absl/strings/cord.h"
#include "content/transfer/rpc_status.h"
#include "fmt/format.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace wasmagent::client {
namespace {

constexpr char kPreconditionFailure[] = "type.googleapis.com/google.rpc.PreconditionFailure";
constexpr std::string_view kBlobs = "blobs/";

std::string MessageFor(const grpc::Status& status, std::string_view address) {
  const std::string& text = status.error_message();
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      return fmt::format(
          "the agent at {} is not available: {}; 'wasmctl agent status' tells what runs here, 'wasmctl agent up' "
          "starts one",
          address, text);
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return fmt::format("the agent at {} did not answer in time: {}; 'wasmctl info' tells whether it answers at all",
                         address, text);
    case grpc::StatusCode::UNIMPLEMENTED:
      return fmt::format("the agent at {} does not know this call: {}; is it older than wasmctl?", address, text);
    default:
      return text.empty() ? fmt::format("the agent at {} gave an error without words", address) : text;
  }
}

}  // namespace

absl::Status FromGrpcStatus(const grpc::Status& status, std::string_view address) {
  if (status.ok()) return absl::OkStatus();
  // The two code lists are the same by definition.
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), MessageFor(status, address));
  result.SetPayload(content::kSaidByServer, absl::Cord());
  google::rpc::Status details;
  if (status.error_details().empty() || !details.ParseFromString(status.error_details())) return result;
  for (const auto& detail : details.details()) result.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  return result;
}

bool SaidByAgent(const absl::Status& status) { return status.GetPayload(content::kSaidByServer).has_value(); }

std::vector<content::Digest> MissingBlobs(const absl::Status& status) {
  std::vector<content::Digest> missing;
  if (status.code() != absl::StatusCode::kFailedPrecondition) return missing;
  auto payload = status.GetPayload(kPreconditionFailure);
  google::rpc::PreconditionFailure failure;
  if (!payload || !failure.ParseFromString(std::string(*payload))) return missing;
  missing.reserve(static_cast<size_t>(failure.violations_size()));
  for (const auto& violation : failure.violations()) {
    std::string_view subject = violation.subject();
    if (violation.type() != "MISSING" || !subject.starts_with(kBlobs)) continue;
    auto digest = content::Digest::Parse(subject.substr(kBlobs.size()));
    if (digest.ok()) missing.push_back(*digest);
  }
  return missing;
}

}  // namespace wasmagent::client
