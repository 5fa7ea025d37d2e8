#include "client/session/agent_calls.h"

#include "client/session/grpc_status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/session/fake_agent.h"
#include "tests/unit/client/session/scripts.h"

namespace wasmagent::client {
namespace {

namespace v1 = wasmagent::v1;
using ::testing::HasSubstr;

// Answers with what it was asked, and remembers how long the client would wait.
class EchoAgent : public FakeAgent {
 public:
  using FakeAgent::FakeAgent;
  std::chrono::system_clock::duration limit{};

 private:
  grpc::Status Note(grpc::ServerContext* context) {
    limit = context->deadline() - std::chrono::system_clock::now();
    return grpc::Status::OK;
  }
  grpc::Status GetBuild(grpc::ServerContext* context, const v1::GetBuildRequest* request,
                        v1::GetBuildResponse* response) override {
    if (request->build_id() == "absent") return {grpc::StatusCode::NOT_FOUND, "no build absent"};
    response->mutable_build()->mutable_request()->set_build_id(request->build_id());
    return Note(context);
  }
  grpc::Status ListBuilds(grpc::ServerContext* context, const v1::ListBuildsRequest* request,
                          v1::ListBuildsResponse* response) override {
    for (uint32_t i = 0; i < request->limit(); ++i) response->add_builds();
    return Note(context);
  }
  grpc::Status CancelBuild(grpc::ServerContext* context, const v1::CancelBuildRequest* request,
                           v1::CancelBuildResponse* response) override {
    response->mutable_build()->mutable_request()->set_build_id(request->build_id());
    response->mutable_build()->mutable_cause()->set_summary(request->reason());
    return Note(context);
  }
  grpc::Status GetDiskUse(grpc::ServerContext* context, const v1::GetDiskUseRequest*,
                          v1::GetDiskUseResponse* response) override {
    response->set_blobs(7);
    return Note(context);
  }
  grpc::Status VerifyWorkspace(grpc::ServerContext* context, const v1::VerifyWorkspaceRequest* request,
                               v1::VerifyWorkspaceResponse* response) override {
    response->add_differences(request->checkout_id());
    return Note(context);
  }
  grpc::Status CollectGarbage(grpc::ServerContext* context, const v1::CollectGarbageRequest* request,
                              v1::CollectGarbageResponse* response) override {
    response->set_freed_bytes(request->blob_budget_bytes());
    return Note(context);
  }
  grpc::Status Drain(grpc::ServerContext* context, const v1::DrainRequest* request,
                     v1::DrainResponse* response) override {
    response->set_running(request->resume() ? 1 : 2);
    return Note(context);
  }
};

class AgentCallsTest : public ::testing::Test {
 protected:
  ScriptFolder folder_;
  EchoAgent agent_{folder_.path() + "/s"};
  AgentConnection connection_{agent_.address()};
};

// Each call carries what it was given and returns what was answered, within a time that suits it.
TEST_F(AgentCallsTest, AskAndAnswer) {
  EXPECT_EQ(GetBuild(connection_, "b1")->request().build_id(), "b1");
  EXPECT_LE(agent_.limit, std::chrono::minutes(1));
  v1::ListBuildsRequest list;
  list.set_limit(3);
  EXPECT_EQ(ListBuilds(connection_, list)->builds_size(), 3);
  auto cancelled = CancelBuild(connection_, "b2", "by ada");
  EXPECT_EQ(cancelled->request().build_id(), "b2");
  EXPECT_EQ(cancelled->cause().summary(), "by ada");
  EXPECT_EQ(Drain(connection_, true)->running(), 1U);
  EXPECT_EQ(Drain(connection_, false)->running(), 2U);
  EXPECT_LE(agent_.limit, std::chrono::minutes(1));
  EXPECT_EQ(GetDiskUse(connection_)->blobs(), 7U);
  EXPECT_GT(agent_.limit, std::chrono::minutes(1)) << "a walk over a large disk takes its time";
  EXPECT_EQ(VerifyWorkspace(connection_, "c1")->differences(0), "c1");
  v1::CollectGarbageRequest collect;
  collect.set_blob_budget_bytes(42);
  EXPECT_EQ(CollectGarbage(connection_, collect)->freed_bytes(), 42U);
  EXPECT_LE(agent_.limit, std::chrono::hours(1));
}

// An error is the agent's own, and counts as an answer.
TEST_F(AgentCallsTest, ErrorsAreTheAgents) {
  EXPECT_FALSE(connection_.answered());
  absl::Status absent = GetBuild(connection_, "absent").status();
  EXPECT_EQ(absent.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(absent.message(), "no build absent");
  EXPECT_TRUE(SaidByAgent(absent));
  EXPECT_TRUE(connection_.answered());
}

// An agent that does not know a call, and one that is not there, are named by their address.
TEST_F(AgentCallsTest, ErrorsNameTheAddress) {
  absl::Status older = ListWorkspaces(connection_).status();
  EXPECT_EQ(older.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(older.message()), HasSubstr(agent_.address().address));
  AgentConnection nowhere({"unix:" + folder_.path() + "/nobody", "nobody", ""});
  absl::Status gone = GetAgentInfo(nowhere).status();
  EXPECT_EQ(gone.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(gone.message()), HasSubstr("unix:" + folder_.path() + "/nobody"));
  EXPECT_FALSE(nowhere.answered());
}

}  // namespace
}  // namespace wasmagent::client
