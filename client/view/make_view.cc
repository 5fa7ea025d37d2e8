#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/time/clock.h"
#include "client/view/json_view.h"
#include "client/view/live_view.h"
#include "client/view/plain_view.h"

namespace wasmagent::client {

std::unique_ptr<BuildView> MakeView(OutputMode mode) {
  if (mode == OutputMode::kJson) return std::make_unique<JsonView>(stdout, stderr);
  if (mode == OutputMode::kPlain) return std::make_unique<PlainView>(stderr);
  const char* no_color = std::getenv("NO_COLOR");
  auto width = [] {
    winsize size = {};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  };
  return std::make_unique<LiveView>(stderr, no_color == nullptr || *no_color == '\0', width,
                                    [] { return absl::Now(); });
}

}  // namespace wasmagent::client
