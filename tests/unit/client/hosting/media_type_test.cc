#include "client/hosting/media_type.h"

#include "gtest/gtest.h"

namespace wasmagent::client {
namespace {

// The types that browsers insist on, sources to be read, and nothing guessed.
TEST(MediaType, OfNames) {
  EXPECT_EQ(MediaType("builddir/wasm/python.wasm"), "application/wasm");
  EXPECT_EQ(MediaType("a/python.js"), "text/javascript; charset=utf-8");
  EXPECT_EQ(MediaType("python.worker.MJS"), "text/javascript; charset=utf-8");
  EXPECT_EQ(MediaType("python.html"), "text/html; charset=utf-8");
  EXPECT_EQ(MediaType("python.wasm.map"), "application/json");
  EXPECT_EQ(MediaType("python.js.symbols"), "text/plain; charset=utf-8");
  EXPECT_EQ(MediaType("Lib/os.py"), "text/plain; charset=utf-8");
  EXPECT_EQ(MediaType("Objects/listobject.c"), "text/plain; charset=utf-8");
  EXPECT_EQ(MediaType("Include/Python.h"), "text/plain; charset=utf-8");
  EXPECT_EQ(MediaType("a.b/Makefile"), "text/plain; charset=utf-8");
  for (const char* name : {"python.data", "python", "lib.a", "x.unheard", "", "a.c/", "x.", "x. "}) {
    EXPECT_EQ(MediaType(name), "application/octet-stream") << name;
  }
}

}  // namespace
}  // namespace wasmagent::client
