// The connection to one agent.
#pragma once

#include <memory>
#include <string>

#include "client/session/agent_address.h"

namespace wasmagent::content {
class BlobTransfer;
}

namespace wasmagent::client {

struct AgentStubs;

struct ConnectionOptions {
  // Channels for blobs beside the first one; each is a connection of its own, made when blobs() is first used.
  int bulk_channels = 2;
};

// Channels, stubs and blob transfer to one agent. Making one costs a few hundred microseconds and talks to nobody: the
// first call connects, and fails with UNAVAILABLE naming the address when nobody answers. Thread-safe. Lives until the
// program ends.
class AgentConnection {
 public:
  explicit AgentConnection(AgentAddress address, ConnectionOptions options = {});
  ~AgentConnection();
  AgentConnection(const AgentConnection&) = delete;
  AgentConnection& operator=(const AgentConnection&) = delete;

  const std::string& address() const { return address_.address; }
  // One line that tells which agent was taken, for stderr.
  const std::string& description() const { return address_.description; }
  const std::string& bind_root_hint() const { return address_.bind_root_hint; }

  // For content: artifact_writer and tree_sender. Include content/transfer/blob_transfer.h to use it.
  content::BlobTransfer& blobs();

  // For this folder only (agent_stubs.h); commands use build_session.h and agent_calls.h.
  AgentStubs& stubs();

  // True once a call was answered: from then on a lost agent is waited for, before it is an error at once.
  bool answered() const;
  void SetAnswered();

 private:
  struct Impl;
  const AgentAddress address_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wasmagent::client
