// Where this process stands in the machine's control groups.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wasmagent::sandbox {

// Folders of one controller that apply to this process: its own group's first, then those above, as far as they are
// visible. Empty when the controller is nowhere to be found.
struct ControlGroup {
  int version = 0;  // 1 or 2
  std::vector<std::string> folders;
};

// Finds the groups of a v1 controller name ("memory", "cpu") or, where v1 has none, of v2. `root` stands in front of
// /proc and /sys (a test's fake machine; "" for the real one). In a container without a cgroup namespace the path in
// /proc/self/cgroup is the host's, while /sys/fs/cgroup shows the container's own group: leading parts of the path are
// dropped until a folder is there.
ControlGroup FindControlGroup(std::string_view controller, const std::string& root);

}  // namespace wasmagent::sandbox
