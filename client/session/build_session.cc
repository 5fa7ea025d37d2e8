#include "client/session/build_session.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/time/clock.h"
#include "client/session/agent_stubs.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

namespace v1 = wasmagent::v1;
using content::Digest;
using Extent = TreeSender::Extent;

// One round sends all; a second is for what was collected meanwhile. Whoever needs more asks in circles.
constexpr int kMostRounds = 8;
// Rounds in which the agent asks only for what it was sent: a garbage collection may cost one.
constexpr int kMostVainRounds = 2;
// An agent that answered before and is gone now may be restarting; a build may even have been accepted when the line
// was cut.
constexpr absl::Duration kRestartPatience = absl::Seconds(10);
constexpr absl::Duration kFirstPause = absl::Milliseconds(50);
constexpr absl::Duration kLongestPause = absl::Seconds(1);

// Tries again while an agent that was there before is away. A first call to an address where nobody listens fails at
// once.
template <typename Call>
auto CallPatiently(AgentConnection& connection, const Call& call) {
  absl::Time until = absl::Now() + kRestartPatience;
  absl::Duration pause = kFirstPause;
  auto response = call();
  while (absl::IsUnavailable(response.status()) && connection.answered() && absl::Now() < until) {
    absl::SleepFor(pause);
    pause = std::min(pause * 2, kLongestPause);
    response = call();
  }
  return response;
}

// Calls until the agent misses no blob, sending what it misses in between.
template <typename Call>
auto CallWithBlobs(AgentConnection& connection, const SourceTree& tree, Extent extent,
                   const SendProgressCallback& progress, const Call& call) -> decltype(call()) {
  TreeSender sender(connection, tree, progress);
  absl::flat_hash_set<Digest> sent;
  int vain = 0;
  for (int round = 0;; ++round) {
    auto response = CallPatiently(connection, call);
    if (response.ok()) return response;
    std::vector<Digest> missing = MissingBlobs(response.status());
    if (missing.empty()) return response.status();
    // The refusal lists no more than fits its details, so the agent is asked for all that is missing of the tree; what
    // it listed may be more than that, a target file for a plan for example.
    ASSIGN_OR_RETURN(auto found, sender.FindMissing(extent));
    absl::flat_hash_set<Digest> listed(missing.begin(), missing.end());
    for (const Digest& digest : found) {
      if (listed.insert(digest).second) missing.push_back(digest);
    }
    bool news = false;
    for (const Digest& digest : missing) news |= sent.insert(digest).second;
    if ((!news && ++vain > kMostVainRounds) || round >= kMostRounds) {
      return platform::Annotate(response.status(),
                                fmt::format("the agent at {} asks again for blobs that it was sent ({} among them)",
                                            connection.address(), missing.front().ToString()));
    }
    RETURN_IF_ERROR(sender.Send(missing));
  }
}

}  // namespace

absl::StatusOr<v1::Build> Submit(AgentConnection& connection, const v1::BuildRequest& request, const SourceTree& tree,
                                 const SendProgressCallback& progress) {
  v1::StartBuildRequest start;
  *start.mutable_build() = request;
  ASSIGN_OR_RETURN(auto response, CallWithBlobs(connection, tree, Extent::kWholeTree, progress, [&] {
                     return UnaryCall<v1::StartBuildResponse>(connection, *connection.stubs().builds,
                                                              &v1::BuildService::Stub::StartBuild, start, kTreeCall);
                   }));
  return std::move(*response.mutable_build());
}

absl::StatusOr<v1::PlanBuildResponse> PlanBuild(AgentConnection& connection, const v1::BuildRequest& request,
                                                const SourceTree& tree, const SendProgressCallback& progress) {
  v1::PlanBuildRequest plan;
  *plan.mutable_build() = request;
  return CallWithBlobs(connection, tree, Extent::kFoldersOnly, progress, [&] {
    return UnaryCall<v1::PlanBuildResponse>(connection, *connection.stubs().agent, &v1::AgentService::Stub::PlanBuild,
                                            plan, kTreeCall);
  });
}

absl::StatusOr<v1::ListTargetsResponse> ListTargets(AgentConnection& connection, const SourceTree& tree,
                                                    const SendProgressCallback& progress) {
  v1::ListTargetsRequest list;
  *list.mutable_root() = tree.blobs->root.ToProto();
  return CallWithBlobs(connection, tree, Extent::kFoldersOnly, progress, [&] {
    return UnaryCall<v1::ListTargetsResponse>(connection, *connection.stubs().agent,
                                              &v1::AgentService::Stub::ListTargets, list, kTreeCall);
  });
}

}  // namespace wasmagent::client
