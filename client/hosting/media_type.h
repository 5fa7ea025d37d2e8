// What kind of content a file has, for browsers.
#pragma once

#include <string_view>

namespace wasmagent::client {

// The media type that a file's name tells, with its charset where it is text: a browser compiles WebAssembly while it
// arrives only as application/wasm, runs modules only as JavaScript, and shows sources only as text. What is not known
// is application/octet-stream. `name` may be a path.
std::string_view MediaType(std::string_view name);

}  // namespace wasmagent::client
