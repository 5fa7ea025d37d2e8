#include "client/hosting/url_path.h"

#include "gtest/gtest.h"

namespace wasmagent::client {
namespace {

// Whatever bytes a name has, a URL keeps them apart from its own marks.
TEST(UrlPath, IsEncoded) {
  EXPECT_EQ(EncodePath("builddir/emscripten-browser/python_1.2~.html"), "builddir/emscripten-browser/python_1.2~.html");
  EXPECT_EQ(EncodePath("a b?c#d%e+f:g"), "a%20b%3Fc%23d%25e%2Bf%3Ag");
  EXPECT_EQ(EncodePath("\xc3\xbc\n"), "%C3%BC%0A");
}

// A name cannot become markup.
TEST(UrlPath, HtmlIsEscaped) {
  EXPECT_EQ(EscapeHtml("<b a=\"1\" c='2'>&amp;"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;");
}

}  // namespace
}  // namespace wasmagent::client
