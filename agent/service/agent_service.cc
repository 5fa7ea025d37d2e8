#include "agent/service/agent_service.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include <memory>

#include "absl/strings/str_replace.h"
#include "agent/builds/evidence.h"
#include "agent/builds/store_source_tree.h"
#include "agent/service/inventory_message.h"
#include "agent/service/status_conversion.h"
#include "agent/service/unary.h"
#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/file.h"
#include "platform/parallel.h"
#include "platform/status.h"

namespace wasmagent::service {
namespace {

// What stands for the workspace's source root in a plan that nobody runs.
constexpr char kShownSourceRoot[] = "$SRC";
// Files of one ImportBlobs call; the client splits beyond it.
constexpr int kMostImported = 20000;

std::string Shown(const std::string& text) {
  return absl::StrReplaceAll(text, {{pipeline::kSourceRootMark, kShownSourceRoot}});
}

void ToProto(const pipeline::PlannedTarget& from, wasmagent::v1::PlannedTarget& to) {
  to.set_name(from.name);
  to.set_build_directory(from.build_directory);
  for (const pipeline::Step& step : from.steps) {
    auto& out = *to.add_steps();
    out.set_name(step.name);
    for (const std::string& word : step.argv) out.add_argv(Shown(word));
    for (const auto& [name, value] : step.env) (*out.mutable_env())[name] = Shown(value);
    out.set_directory(step.directory);
    if (step.kind == pipeline::StepKind::kConfigure)
      out.mutable_inputs()->Assign(from.inputs.begin(), from.inputs.end());
  }
  to.mutable_artifacts()->Assign(from.artifacts.begin(), from.artifacts.end());
  to.mutable_remarks()->Assign(from.remarks.begin(), from.remarks.end());
  if (!from.runner) return;
  to.mutable_runner()->set_runtime(from.runner->runtime);
  to.mutable_runner()->set_program(from.runner->program);
  to.mutable_runner()->mutable_env()->insert(from.runner->env.begin(), from.runner->env.end());
  to.mutable_runner()->mutable_directories()->insert(from.runner->directories.begin(), from.runner->directories.end());
}

void ToProto(const workspace::WorkspaceInfo& from, wasmagent::v1::Workspace& to) {
  to.set_name(from.name);
  *to.mutable_checkout() = from.checkout;
  *to.mutable_root() = from.root.ToProto();
  to.set_busy(from.busy);
  to.mutable_last_use_time()->set_seconds(absl::ToUnixSeconds(from.last_use));
  to.set_build_id(from.build_id);
}

bool IsBelow(const std::string& path, const std::string& root) {
  return path == root || (path.starts_with(root) && (root.ends_with('/') || path[root.size()] == '/'));
}

// The folder, links resolved, when it lies below one of the roots.
absl::StatusOr<std::string> AllowedFolder(const std::string& folder, const std::vector<std::string>& roots) {
  if (!folder.starts_with('/')) return absl::InvalidArgumentError("folder must be an absolute path");
  std::unique_ptr<char, decltype(&::free)> real(::realpath(folder.c_str(), nullptr), &::free);
  for (const std::string& root : roots) {
    std::unique_ptr<char, decltype(&::free)> real_root(::realpath(root.c_str(), nullptr), &::free);
    if (real && real_root && IsBelow(real.get(), real_root.get())) return std::string(real.get());
  }
  return absl::PermissionDeniedError(
      fmt::format("{} is not below a folder that this agent may read (its bind_roots)", folder));
}

}  // namespace

absl::Status AgentServiceImpl::Describe(wasmagent::v1::GetAgentInfoResponse& response) const {
  response.set_version(facts_.version);
  response.set_isolation(facts_.isolation);
  response.set_slots(facts_.slots);
  response.set_jobs(static_cast<uint32_t>(facts_.jobs));
  response.set_jobs_reason(facts_.jobs_reason);
  response.set_state_directory(facts_.state_directory);
  response.mutable_bind_roots()->Assign(facts_.bind_roots.begin(), facts_.bind_roots.end());
  response.mutable_start_time()->set_seconds(absl::ToUnixSeconds(facts_.start_time));
  AddInventory(parts_.inventory, response);
  builds::Load load = parts_.manager.CurrentLoad();
  response.set_running(load.running);
  response.set_queued(load.queued);
  response.set_draining(load.draining);
  utsname machine;
  if (::uname(&machine) == 0) response.set_machine(machine.machine);
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* AgentServiceImpl::GetAgentInfo(grpc::CallbackServerContext* context,
                                                         const wasmagent::v1::GetAgentInfoRequest*,
                                                         wasmagent::v1::GetAgentInfoResponse* response) {
  return FinishOnPool(context, parts_.pool, [this, response] { return Describe(*response); });
}

absl::Status AgentServiceImpl::List(const wasmagent::v1::ListTargetsRequest& request,
                                    wasmagent::v1::ListTargetsResponse& response) const {
  ASSIGN_OR_RETURN_CTX(auto root, content::Digest::FromProto(request.root()), "root");
  builds::StoreSourceTree source(parts_.store, root);
  ASSIGN_OR_RETURN(auto list, parts_.planner.List(source));
  response.set_source(list.source);
  for (const auto& target : list.targets) {
    auto& out = *response.add_targets();
    out.set_name(target.name);
    out.set_description(target.description);
    out.set_toolchain(target.toolchain_kind);
    out.mutable_needs()->Assign(target.needs.begin(), target.needs.end());
    out.set_buildable(target.buildable);
    out.set_problem(target.problem);
    out.set_support(target.support);
    out.mutable_actions()->Assign(target.actions.begin(), target.actions.end());
  }
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* AgentServiceImpl::ListTargets(grpc::CallbackServerContext* context,
                                                        const wasmagent::v1::ListTargetsRequest* request,
                                                        wasmagent::v1::ListTargetsResponse* response) {
  return FinishOnPool(context, parts_.pool, [this, request, response] { return List(*request, *response); });
}

const pipeline::Toolchain* AgentServiceImpl::FindToolchain(const std::string& fingerprint) const {
  for (const auto& toolchain : parts_.inventory.toolchains) {
    if (toolchain.fingerprint == fingerprint) return &toolchain;
  }
  return nullptr;
}

absl::Status AgentServiceImpl::Plan(const wasmagent::v1::PlanBuildRequest& request,
                                    wasmagent::v1::PlanBuildResponse& response) const {
  ASSIGN_OR_RETURN(auto plan, parts_.manager.PlanOf(request.build()));
  response.mutable_remarks()->Assign(plan.remarks.begin(), plan.remarks.end());
  for (const auto& target : plan.targets) {
    auto& out = *response.add_targets();
    ToProto(target, out);
    if (const auto* toolchain = FindToolchain(target.toolchain_fingerprint))
      ToProto(*toolchain, *out.mutable_toolchain());
  }
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* AgentServiceImpl::PlanBuild(grpc::CallbackServerContext* context,
                                                      const wasmagent::v1::PlanBuildRequest* request,
                                                      wasmagent::v1::PlanBuildResponse* response) {
  return FinishOnPool(context, parts_.pool, [this, request, response] { return Plan(*request, *response); });
}

absl::Status AgentServiceImpl::Import(const wasmagent::v1::ImportBlobsRequest& request,
                                      wasmagent::v1::ImportBlobsResponse& response) const {
  if (request.files_size() > kMostImported) {
    return absl::InvalidArgumentError(
        fmt::format("files has {} entries; {} are allowed in one call", request.files_size(), kMostImported));
  }
  ASSIGN_OR_RETURN(std::string folder, AllowedFolder(request.folder(), facts_.bind_roots));
  ASSIGN_OR_RETURN_CTX(auto fd, platform::OpenAt(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY), "folder");
  std::vector<store::BlobStore::PutFile> puts;
  std::vector<uint32_t> index;
  auto fail = [&response](uint32_t at, const absl::Status& status) {
    auto& failure = *response.add_failures();
    failure.set_index(at);
    failure.mutable_status()->set_code(static_cast<int32_t>(status.code()));
    failure.mutable_status()->set_message(std::string(status.message()));
  };
  for (int i = 0; i < request.files_size(); ++i) {
    auto digest = content::Digest::FromProto(request.files(i).digest());
    if (!digest.ok()) {
      fail(static_cast<uint32_t>(i), digest.status());
      continue;
    }
    if (parts_.store.Has(*digest)) continue;
    const std::string& path = request.files(i).path();
    // O_NONBLOCK: a path that is a fifo by now must not hold the agent.
    puts.push_back({*digest, [&fd, &path] { return platform::OpenBeneath(fd.get(), path, O_RDONLY | O_NONBLOCK); }});
    index.push_back(static_cast<uint32_t>(i));
  }
  auto statuses = parts_.store.PutFiles(puts, platform::UsableCpus());
  for (size_t i = 0; i < statuses.size(); ++i) {
    if (!statuses[i].ok())
      fail(index[i], platform::Annotate(statuses[i], request.files(static_cast<int>(index[i])).path()));
  }
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* AgentServiceImpl::ImportBlobs(grpc::CallbackServerContext* context,
                                                        const wasmagent::v1::ImportBlobsRequest* request,
                                                        wasmagent::v1::ImportBlobsResponse* response) {
  return FinishOnPool(context, parts_.pool, [this, request, response] { return Import(*request, *response); });
}

absl::Status AgentServiceImpl::DiskUse(wasmagent::v1::GetDiskUseResponse& response) const {
  auto stats = parts_.store.Stats();
  response.set_blob_bytes(stats.bytes);
  response.set_blobs(stats.blobs);
  ASSIGN_OR_RETURN(uint64_t workspaces, platform::DiskUse(parts_.workspaces.directory()));
  response.set_workspace_bytes(workspaces);
  response.set_workspaces(parts_.workspaces.List().size());
  ASSIGN_OR_RETURN(uint64_t records, platform::DiskUse(facts_.state_directory + "/builds"));
  response.set_record_bytes(records);
  auto compiler_cache = platform::DiskUse(facts_.state_directory + "/ccache");
  response.set_compiler_cache_bytes(compiler_cache.ok() ? *compiler_cache : 0);
  ASSIGN_OR_RETURN(uint64_t free, platform::FreeBytes(facts_.state_directory));
  response.set_free_bytes(free);
  response.set_blob_budget_bytes(facts_.blob_budget_bytes);
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* AgentServiceImpl::GetDiskUse(grpc::CallbackServerContext* context,
                                                       const wasmagent::v1::GetDiskUseRequest*,
                                                       wasmagent::v1::GetDiskUseResponse* response) {
  return FinishOnPool(context, parts_.pool, [this, response] { return DiskUse(*response); });
}

grpc::ServerUnaryReactor* AgentServiceImpl::ListWorkspaces(grpc::CallbackServerContext* context,
                                                           const wasmagent::v1::ListWorkspacesRequest*,
                                                           wasmagent::v1::ListWorkspacesResponse* response) {
  return FinishOnPool(context, parts_.pool, [this, response] {
    for (const auto& info : parts_.workspaces.List()) ToProto(info, *response->add_workspaces());
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* AgentServiceImpl::VerifyWorkspace(grpc::CallbackServerContext* context,
                                                            const wasmagent::v1::VerifyWorkspaceRequest* request,
                                                            wasmagent::v1::VerifyWorkspaceResponse* response) {
  return FinishOnPool(context, parts_.pool, [this, request, response]() -> absl::Status {
    workspace::WorkspaceInfo info;
    std::vector<std::string> differences;
    ASSIGN_OR_RETURN(auto root, parts_.workspaces.Verify(request->checkout_id(), &info, &differences));
    ToProto(info, *response->mutable_workspace());
    *response->mutable_root() = root.ToProto();
    response->mutable_differences()->Assign(differences.begin(), differences.end());
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* AgentServiceImpl::KeepBuildDirectory(grpc::CallbackServerContext* context,
                                                               const wasmagent::v1::KeepBuildDirectoryRequest* request,
                                                               wasmagent::v1::KeepBuildDirectoryResponse* response) {
  return FinishOnPool(context, parts_.pool, [this, request, response]() -> absl::Status {
    ASSIGN_OR_RETURN(auto build, parts_.manager.Get(request->build_id()));
    ASSIGN_OR_RETURN(std::string target, builds::TargetOfBuildDirectory(build, request->target()));
    ASSIGN_OR_RETURN(auto kept, builds::KeepBuildDirectory(build, target, parts_.workspaces, parts_.store));
    response->set_target(target);
    response->set_build_directory(build.build_directories().at(target));
    *response->mutable_root() = kept.root.ToProto();
    response->set_files(kept.files);
    response->set_bytes(kept.bytes);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* AgentServiceImpl::CollectGarbage(grpc::CallbackServerContext* context,
                                                           const wasmagent::v1::CollectGarbageRequest* request,
                                                           wasmagent::v1::CollectGarbageResponse* response) {
  return FinishOnPool(context, parts_.pool, [this, request, response]() -> absl::Status {
    if (request->workspaces()) {
      ASSIGN_OR_RETURN(uint64_t removed, parts_.workspaces.RemoveIdle());
      response->set_removed_workspaces(removed);
    }
    ASSIGN_OR_RETURN(auto keep, parts_.manager.Roots());
    uint64_t budget = request->has_blob_budget_bytes() ? request->blob_budget_bytes() : facts_.blob_budget_bytes;
    ASSIGN_OR_RETURN(auto result, parts_.store.Collect(budget, keep));
    response->set_removed_blobs(result.removed_blobs);
    response->set_freed_bytes(result.freed_bytes);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* AgentServiceImpl::Drain(grpc::CallbackServerContext* context,
                                                  const wasmagent::v1::DrainRequest* request,
                                                  wasmagent::v1::DrainResponse* response) {
  return FinishOnPool(context, parts_.pool, [this, request, response]() -> absl::Status {
    parts_.manager.Drain(!request->resume());
    builds::Load load = parts_.manager.CurrentLoad();
    response->set_running(load.running);
    response->set_queued(load.queued);
    return absl::OkStatus();
  });
}

}  // namespace wasmagent::service
