#include "platform/install_advice.h"

#include "gtest/gtest.h"

namespace wasmagent::platform {
namespace {

const Package kPackage = {"clang lld", "clang lld-devel"};

// Rule: one command where the distribution is known, by itself or by what it is made of; both where it is not.
TEST(InstallAdvice, FitsTheDistribution) {
  EXPECT_EQ(InstallAdvice(kPackage, "NAME=\"Debian GNU/Linux\"\nID=debian\n"), "apt-get install clang lld");
  EXPECT_EQ(InstallAdvice(kPackage, "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"), "apt-get install clang lld");
  EXPECT_EQ(InstallAdvice(kPackage, "ID=fedora\nVARIANT_ID=debian\n"), "dnf install clang lld-devel");
  EXPECT_EQ(InstallAdvice(kPackage, "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\""), "dnf install clang lld-devel");
  EXPECT_EQ(InstallAdvice(kPackage, "ID=arch\n"),
            "apt-get install clang lld (Debian, Ubuntu), dnf install clang lld-devel (Fedora)");
  EXPECT_EQ(InstallAdvice(kPackage, ""), InstallAdvice(kPackage, "ID=arch\n"));
}

// Rule: where a distribution has no package, and where it is unknown, the command for upstream's release stands in.
TEST(InstallAdvice, ReleasesStandIn) {
  const Package package = {"wasi-libc", "", "curl release"};
  EXPECT_EQ(InstallAdvice(package, "ID=debian\n"), "apt-get install wasi-libc");
  EXPECT_EQ(InstallAdvice(package, "ID=fedora\n"), "curl release");
  EXPECT_EQ(InstallAdvice(package, "ID=arch\n"), "curl release");
}

}  // namespace
}  // namespace wasmagent::platform
