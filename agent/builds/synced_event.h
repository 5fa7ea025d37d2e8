// What a sync did, as an event.
#pragma once

#include <string>

#include "agent/workspace/tree_sync.h"
#include "wasmagent/v1/build_event.pb.h"

namespace wasmagent::builds {

// `warm` and `reason` are the workspace's; a warm one whose files had to be thrown away is a new one.
wasmagent::v1::Synced SyncedEvent(const workspace::SyncStats& stats, bool warm, const std::string& reason);

}  // namespace wasmagent::builds
