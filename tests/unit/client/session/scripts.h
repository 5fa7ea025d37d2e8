// A folder of its own for a test, with shell scripts in it that stand for programs.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "client/session/user_folders.h"
#include "platform/directory.h"
#include "platform/file.h"
#include "platform/scoped_fd.h"

namespace wasmagent::client {

class ScriptFolder {
 public:
  // Below /tmp: a socket's path must be short.
  ScriptFolder() : path_(*platform::MakeTemporaryDirectory("/tmp", "session-")) {
    for (const char* name : {"/bin", "/cache", "/runtime"}) EXPECT_TRUE(platform::MakeDirectories(path_ + name).ok());
  }
  ~ScriptFolder() { (void)platform::RemoveTree(path_); }

  const std::string& path() const { return path_; }
  std::string bin() const { return path_ + "/bin"; }
  UserFolders folders() const { return {path_ + "/runtime", path_ + "/cache", bin()}; }
  // Each call's arguments go to `calls`, one in angle brackets after the other, a line a call. PATH for the script
  // itself is the usual one.
  std::string Add(const std::string& name, const std::string& body) const {
    std::string text = "#!/bin/sh\nPATH=/usr/bin:/bin\nfor a in \"$@\"; do printf '<%s>' \"$a\"; done >> " + path_ +
                       "/calls\necho >> " + path_ + "/calls\n" + body + "\n";
    EXPECT_TRUE(platform::WriteFileAtomically(bin() + "/" + name, text, 0755, false).ok());
    return bin() + "/" + name;
  }
  std::string Calls() const { return platform::ReadFile(path_ + "/calls").value_or(""); }

 private:
  std::string path_;
};

// Listens on a Unix socket and accepts nobody: what a probe needs.
class Listener {
 public:
  explicit Listener(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0) << path;
    EXPECT_EQ(::listen(fd_.get(), 5), 0);
  }

 private:
  platform::ScopedFd fd_;
};

}  // namespace wasmagent::client
