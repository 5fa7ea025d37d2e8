#include "agent/pipeline/emscripten_sdk.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/install_advice.h"
#include "tests/unit/agent/pipeline/folder_tree.h"

namespace wasmagent::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class EmscriptenSdkTest : public ::testing::Test {
 protected:
  EmscriptenSdkTest() {
    ::unsetenv("EMSDK");
    scratch_.WriteProgram("bin/python3", "");
    // What the fake programs are made of.
    std::filesystem::create_symlink("/bin/sh", scratch_ / "bin/sh");
    std::filesystem::create_symlink("/bin/cat", scratch_ / "bin/cat");
  }

  // An SDK as emsdk lays it out.
  std::string MakeEmsdk(const std::string& name, const std::string& version) {
    scratch_.Write(name + "/.emscripten",
                   "emsdk_path = os.path.dirname(os.getenv('EM_CONFIG'))\n"
                   "NODE_JS = emsdk_path + '/node/bin/node'\nLLVM_ROOT = emsdk_path + '/upstream/bin'\n"
                   "BINARYEN_ROOT = emsdk_path + '/upstream'\n"
                   "EMSCRIPTEN_ROOT = emsdk_path + '/upstream/emscripten'\n");
    scratch_.WriteProgram(name + "/upstream/emscripten/emcc", "");
    scratch_.Write(name + "/upstream/emscripten/emscripten-version.txt", version + "\n");
    scratch_.Write(name + "/upstream/emscripten/cache/sysroot/lib/wasm32-emscripten/libc.a", "libc");
    scratch_.Write(name + "/upstream/emscripten/cache/sysroot_install.stamp", "x");
    scratch_.WriteProgram(name + "/upstream/bin/clang", "clang version 20.0.0git");
    scratch_.WriteProgram(name + "/upstream/bin/wasm-opt", "");
    scratch_.Write(name + "/node/bin/node",
                   "#!/bin/sh\ncase $1 in\n-p) echo 22.16.0 ;;\n*-memory64) ;;\n*) exit 9 ;;\nesac\n", true);
    return scratch_ / name;
  }

  Toolchain Probe(const std::string& path) { return ProbeEmscriptenSdk(path, {scratch_ / "bin", "/usr/bin/ccache"}); }

  const ScratchFolder scratch_;
};

// Rule: an activated emsdk is usable, with its own node before all others, its compiler cache and its configuration.
TEST_F(EmscriptenSdkTest, Emsdk) {
  const std::string path = MakeEmsdk("emsdk", "\"3.1.56\"");
  const Toolchain sdk = Probe(path);
  ASSERT_TRUE(sdk.usable) << sdk.problem;
  EXPECT_EQ(sdk.kind, "emscripten");
  EXPECT_EQ(sdk.version, "emscripten 3.1.56");
  EXPECT_THAT(sdk.search_folders, ElementsAre(path + "/upstream/emscripten", path + "/node/bin"));
  EXPECT_EQ(sdk.env.at("EMSDK"), path);
  EXPECT_EQ(sdk.env.at("EM_CONFIG"), path + "/.emscripten");
  EXPECT_EQ(sdk.env.at("EM_COMPILER_WRAPPER"), "/usr/bin/ccache");
  EXPECT_EQ(sdk.env.at("TZ"), "UTC");
  EXPECT_EQ(sdk.node.version, "22.16.0");
  EXPECT_THAT(sdk.node_flags, ElementsAre("--experimental-wasm-memory64"));
  EXPECT_EQ(sdk.sysroot, path + "/upstream/emscripten/cache/sysroot");
  EXPECT_EQ(sdk.fingerprint.size(), 64u);
  EXPECT_EQ(ProbeEmscriptenSdk(path, {scratch_ / "bin", ""}).env.count("EM_COMPILER_WRAPPER"), 0u);
}

// Rule: a folder whose .emscripten names the distribution's parts is an SDK too; a node on the path stays where it is.
TEST_F(EmscriptenSdkTest, DressedDistribution) {
  const std::string emsdk = MakeEmsdk("usr", "3.1.69");
  scratch_.WriteProgram("usr/upstream/bin/clang-19", "clang version 19.1.7");
  std::filesystem::create_symlink(emsdk + "/node/bin/node", scratch_ / "bin/node");
  scratch_.Write("dressed/.emscripten", "EMSCRIPTEN_ROOT = '" + emsdk + "/upstream/emscripten'\nLLVM_ROOT = '" + emsdk +
                                            "/upstream/bin'\nCLANG_ADD_VERSION = '19'\nBINARYEN_ROOT = '" + emsdk +
                                            "/upstream'\nNODE_JS = '" + (scratch_ / "bin/node") + "'\n");
  const Toolchain sdk = Probe(scratch_ / "dressed");
  ASSERT_TRUE(sdk.usable) << sdk.problem;
  EXPECT_EQ(sdk.version, "emscripten 3.1.69");
  EXPECT_THAT(sdk.search_folders, ElementsAre(emsdk + "/upstream/emscripten"));
}

// Rule: versions are read as CPython reads them, and those that miscompile are refused with the reason.
TEST_F(EmscriptenSdkTest, Releases) {
  EXPECT_EQ(Probe(MakeEmsdk("git", "\"3.1.60-git\"")).version, "emscripten 3.1.60");
  const Toolchain bad = Probe(MakeEmsdk("bad", "\"3.1.20\""));
  EXPECT_FALSE(bad.usable);
  EXPECT_THAT(bad.problem, HasSubstr("Emscripten 3.1.20, which is in " + bad.path + ", must not be used: argv is"));
  EXPECT_THAT(bad.problem, HasSubstr("https://github.com/emscripten-core/emscripten/issues/17720"));
  EXPECT_THAT(Probe(MakeEmsdk("old", "3.1.6")).problem,
              HasSubstr("is version 3.1.6; at least 3.1.19 is needed: CPython recommends it"));
  const Toolchain old = Probe(MakeEmsdk("old1", "3.1.14"));
  EXPECT_FALSE(old.usable);
  EXPECT_THAT(old.problem, HasSubstr("must not be used: programs on a thread of their own get no arguments"));
  EXPECT_THAT(old.problem, HasSubstr("https://github.com/emscripten-core/emscripten/issues/17338"));
  EXPECT_THAT(Probe(MakeEmsdk("old2", "3.1.16")).problem, HasSubstr("issues/17393"));
  EXPECT_THAT(Probe(MakeEmsdk("odd", "tip")).problem, HasSubstr("does not tell its version"));
}

// Rule: what is missing is named, with what mends it.
TEST_F(EmscriptenSdkTest, WhatIsMissing) {
  const std::string path = MakeEmsdk("emsdk", "3.1.56");
  std::filesystem::rename(path + "/node", path + "/nodes");
  EXPECT_THAT(Probe(path).problem, HasSubstr("has no node (" + path + "/node/bin/node is not there); " +
                                             platform::InstallAdvice({"nodejs", "nodejs"})));
  std::filesystem::rename(path + "/nodes", path + "/node");
  std::filesystem::remove(scratch_ / "bin/python3");
  EXPECT_THAT(Probe(path).problem,
              HasSubstr("there is no python3; " + platform::InstallAdvice({"python3", "python3"})));
  std::filesystem::remove(path + "/upstream/bin/clang");
  EXPECT_THAT(Probe(path).problem, HasSubstr("is not whole: " + path + "/upstream/bin/clang is missing"));
  std::filesystem::remove(path + "/.emscripten");
  EXPECT_THAT(Probe(path).problem, HasSubstr("is not activated"));
}

// Rule: another compiler, library, setting or configuration is another fingerprint; the same is the same.
TEST_F(EmscriptenSdkTest, FingerprintHasWhatCompiles) {
  const std::string path = MakeEmsdk("emsdk", "3.1.56");
  std::string last = Probe(path).fingerprint;
  EXPECT_EQ(Probe(path).fingerprint, last);
  const auto changed = [&] {
    const std::string now = Probe(path).fingerprint;
    const bool other = now != last && !now.empty();
    last = now;
    return other;
  };
  scratch_.Write("emsdk/upstream/emscripten/cache/sysroot/lib/wasm32-emscripten/libc.a", "another libc");
  EXPECT_TRUE(changed());
  scratch_.Write("emsdk/upstream/emscripten/src/settings.js", "var STACK_SIZE = 1;");
  EXPECT_TRUE(changed());
  scratch_.WriteProgram("emsdk/upstream/bin/clang", "clang version 21.0.0git");
  EXPECT_TRUE(changed());
  scratch_.Write("emsdk/.emscripten", scratch_.Read("emsdk/.emscripten") + "CACHE = '/nowhere'\n");
  EXPECT_TRUE(changed());
}

// Rule: where the warmed libraries cannot be written, each workspace has a cache of its own with links to them; where
// they can be, the one cache and its lock are left as they are.
TEST_F(EmscriptenSdkTest, OwnCacheOverReadOnlyLibraries) {
  const std::string path = MakeEmsdk("emsdk", "3.1.56");
  EXPECT_EQ(Probe(path).env.count("EM_CACHE"), 0u);
  EXPECT_TRUE(Probe(path).links.empty());
  if (::geteuid() == 0) {
    // Root may write everything: ask as somebody else.
    ::chmod(scratch_.path().c_str(), 0755);
    ASSERT_EQ(::seteuid(65534), 0);
  }
  const std::string sysroot = path + "/upstream/emscripten/cache/sysroot";
  ::chmod(sysroot.c_str(), 0555);
  const Toolchain sdk = Probe(path);
  ASSERT_EQ(::seteuid(::getuid()), 0);
  ::chmod(sysroot.c_str(), 0755);
  ASSERT_TRUE(sdk.usable) << sdk.problem;
  const std::string folder = "emscripten-" + sdk.fingerprint.substr(0, 12);
  EXPECT_EQ(sdk.env.at("EM_CACHE"), std::string(kTemporaryFolder) + "/" + folder);
  EXPECT_EQ(sdk.env.at("CCACHE_BASEDIR"), std::string(kSourceRootMark) + "/..");
  ASSERT_EQ(sdk.links.size(), 2u);
  EXPECT_EQ(sdk.links[0].path, folder + "/sysroot");
  EXPECT_EQ(sdk.links[0].target, sysroot);
  EXPECT_EQ(sdk.links[1].path, folder + "/sysroot_install.stamp");
}

// Rule: a named folder is the only one that is looked at; with none at all, the entry says what to do.
TEST_F(EmscriptenSdkTest, WhereTheyAreLookedFor) {
  const std::string one = MakeEmsdk("one", "3.1.56");
  const std::string two = MakeEmsdk("two", "3.1.60");
  const EmscriptenSurroundings around{scratch_ / "bin", "", scratch_ / "no package"};
  ::setenv("EMSDK", two.c_str(), 1);
  ASSERT_EQ(FindEmscriptenSdks(one, around).size(), 1u);
  EXPECT_EQ(FindEmscriptenSdks(one, around)[0].path, one);
  EXPECT_EQ(FindEmscriptenSdks("", around)[0].path, two);
  ::setenv("EMSDK", "/no/such/sdk", 1);
  EXPECT_EQ(FindEmscriptenSdks("", around)[0].problem, "EMSDK names /no/such/sdk, which is no folder");
  ::unsetenv("EMSDK");
  if (std::filesystem::exists("/opt/emsdk") || std::filesystem::exists("/emsdk")) GTEST_SKIP() << "there is an emsdk";
  const auto none = FindEmscriptenSdks("", around);
  ASSERT_EQ(none.size(), 1u);
  EXPECT_FALSE(none[0].usable);
  EXPECT_THAT(none[0].problem, HasSubstr("no Emscripten SDK on this machine; git clone"));
}

// Rule: the distribution's package, where nothing else is, is named with its version and why it will not do.
TEST_F(EmscriptenSdkTest, TheDistributionsPackage) {
  if (std::filesystem::exists("/opt/emsdk") || std::filesystem::exists("/emsdk")) GTEST_SKIP() << "there is an emsdk";
  const std::string package = scratch_ / "package";
  const auto found = [&](const std::string& version) {
    scratch_.Write("package/emscripten-version.txt", version);
    const auto sdks = FindEmscriptenSdks("", {scratch_ / "bin", "", package});
    EXPECT_EQ(sdks.size(), 1u);
    EXPECT_FALSE(sdks[0].usable);
    EXPECT_EQ(sdks[0].path, package);
    return sdks[0];
  };
  EXPECT_EQ(found("3.1.6\n").version, "emscripten 3.1.6");
  EXPECT_THAT(found("3.1.6\n").problem, HasSubstr(package + " is version 3.1.6; at least 3.1.19 is needed"));
  EXPECT_EQ(found("3.1.69\n").version, "emscripten 3.1.69");
  EXPECT_THAT(found("3.1.69\n").problem, HasSubstr("the distribution's Emscripten 3.1.69 in " + package + " will not"));
  EXPECT_THAT(found("3.1.69\n").problem,
              HasSubstr("it has no ports, and its cache is frozen and root's; './dev image'"));
}

}  // namespace
}  // namespace wasmagent::pipeline
