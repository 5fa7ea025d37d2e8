#include "agent/pipeline/fingerprint.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <climits>
#include <cstdlib>

#include "fmt/format.h"
#include "platform/file.h"

namespace wasmagent::pipeline {

void Fingerprint::AddText(std::string_view name, std::string_view text) {
  hasher_.Update(fmt::format("{} {} {}\n", name, text.size(), text));
}

void Fingerprint::AddFileIdentity(std::string_view name, const std::string& path) {
  char real[PATH_MAX];
  struct stat info;
  if (::realpath(path.c_str(), real) == nullptr || ::stat(real, &info) != 0) return AddText(name, "none");
  AddText(name, fmt::format("{} {} {}.{}", real, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec));
}

void Fingerprint::AddFileContent(std::string_view name, const std::string& path) {
  const auto file = platform::OpenAt(AT_FDCWD, path, O_RDONLY);
  if (!file.ok()) return AddText(name, "none");
  const auto digest = content::DigestOfFile(file->get());
  AddText(name, digest.ok() ? digest->ToString() : "unreadable");
}

}  // namespace wasmagent::pipeline
