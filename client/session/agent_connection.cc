#include "client/session/agent_connection.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <vector>

#include "client/session/agent_stubs.h"
#include "content/transfer/blob_transfer.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

namespace wasmagent::client {
namespace {

// An address that swallows packets is given up after this; a refused connection fails at once anyway.
constexpr int kConnectLimitMillis = 5000;
// Pauses between attempts to connect; callers that are patient have pauses of their own.
constexpr int kFirstPauseMillis = 50;
constexpr int kLongestPauseMillis = 1000;
// A dead peer shows within half a minute while a call is open. The agent allows a ping every 5 s.
constexpr int kKeepaliveMillis = 20000;
constexpr int kKeepaliveTimeoutMillis = 10000;
// As the agent's: batches of 4 MiB, with room for other servers' batches.
constexpr int kLargestMessage = 16 << 20;
// Details of a refusal come in the trailers. This agent cuts its lists to a few kB; one of another make may not.
constexpr int kLargestMetadata = 8 << 20;

bool IsUnix(const std::string& address) { return address.starts_with("unix:"); }

bool IsLoopback(const std::string& address) {
  return address.starts_with("localhost:") || address.starts_with("127.") || address.starts_with("[::1]:");
}

// `number` makes channels differ, so that gRPC gives each a connection of its own.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address, int number) {
  grpc::ChannelArguments arguments;
  arguments.SetInt("wasmagent.channel", number);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstPauseMillis);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLongestPauseMillis);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectLimitMillis);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis);
  // A quiet build sends nothing for minutes; without this gRPC stops asking after two pings.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kLargestMetadata);
  // Newer releases have a second, hard limit; this one's ignore it.
  arguments.SetInt("grpc.absolute_max_metadata_size", kLargestMetadata);
  arguments.SetMaxReceiveMessageSize(kLargestMessage);
  arguments.SetMaxSendMessageSize(kLargestMessage);
  // No TXT records for a service config: a DNS round trip for nothing.
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  if (IsUnix(address) || IsLoopback(address)) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  std::string target = IsUnix(address) ? address : "dns:///" + address;
  // Where identity and TLS will come in.
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

struct AgentConnection::Impl {
  ConnectionOptions options;
  std::shared_ptr<grpc::Channel> channel;
  AgentStubs stubs;
  std::atomic<bool> answered = false;
  std::once_flag blobs_made;
  std::unique_ptr<content::BlobTransfer> blobs;
};

AgentConnection::AgentConnection(AgentAddress address, ConnectionOptions options)
    : address_(std::move(address)), impl_(std::make_unique<Impl>()) {
  impl_->options = options;
  impl_->channel = MakeChannel(address_.address, 0);
  impl_->stubs.builds = wasmagent::v1::BuildService::NewStub(impl_->channel);
  impl_->stubs.agent = wasmagent::v1::AgentService::NewStub(impl_->channel);
}

AgentConnection::~AgentConnection() = default;

content::BlobTransfer& AgentConnection::blobs() {
  std::call_once(impl_->blobs_made, [this] {
    // The first channel is among them: it is connected already, which is what counts when little is to be sent.
    std::vector<std::shared_ptr<grpc::Channel>> channels = {impl_->channel};
    for (int i = 1; i <= impl_->options.bulk_channels; ++i) channels.push_back(MakeChannel(address_.address, i));
    // One at a time on each: what is on its way is held twice, by its message and by gRPC.
    int streams = static_cast<int>(channels.size());
    impl_->blobs = std::make_unique<content::BlobTransfer>(std::move(channels), streams);
  });
  return *impl_->blobs;
}

AgentStubs& AgentConnection::stubs() { return impl_->stubs; }
bool AgentConnection::answered() const { return impl_->answered.load(std::memory_order_relaxed); }
void AgentConnection::SetAnswered() { impl_->answered.store(true, std::memory_order_relaxed); }

}  // namespace wasmagent::client
