#include "agent/pipeline/emscripten_config.h"

#include "gtest/gtest.h"

namespace wasmagent::pipeline {
namespace {

// Rule: the file that emsdk writes is understood: paths are put together from its own folder.
TEST(EmscriptenConfig, AsEmsdkWritesIt) {
  const auto config = ParseEmscriptenConfig(
      "import os\n"
      "emsdk_path = os.path.dirname(os.getenv('EM_CONFIG')).replace('\\\\', '/')\n"
      "NODE_JS = emsdk_path + '/node/22.16.0_64bit/bin/node'\n"
      "LLVM_ROOT = emsdk_path + '/upstream/bin'\n"
      "BINARYEN_ROOT = emsdk_path + '/upstream'\n"
      "EMSCRIPTEN_ROOT = BINARYEN_ROOT + '/emscripten'\n",
      "/opt/emsdk");
  EXPECT_EQ(config.at("NODE_JS"), "/opt/emsdk/node/22.16.0_64bit/bin/node");
  EXPECT_EQ(config.at("LLVM_ROOT"), "/opt/emsdk/upstream/bin");
  EXPECT_EQ(config.at("EMSCRIPTEN_ROOT"), "/opt/emsdk/upstream/emscripten");
}

// Rule: comments, quotes of both kinds, lists and the three words of Python are read as Python would.
TEST(EmscriptenConfig, AsDistributionsWriteIt) {
  const auto config = ParseEmscriptenConfig(
      "# NODE_JS = '/no'\n"
      "LLVM_ROOT = '/usr/bin' # directory\n"
      "BINARYEN_ROOT=\"/usr\"\r\n"
      "NODE_JS = ['/usr/bin/node', '--stack-size=8192']\n"
      "FROZEN_CACHE = True # never clears\n"
      "CACHE = None\n"
      "ODD = 'it\\'s'\n",
      "/x");
  EXPECT_EQ(config.at("LLVM_ROOT"), "/usr/bin");
  EXPECT_EQ(config.at("BINARYEN_ROOT"), "/usr");
  EXPECT_EQ(config.at("NODE_JS"), "/usr/bin/node");
  EXPECT_EQ(config.at("FROZEN_CACHE"), "True");
  EXPECT_EQ(config.at("CACHE"), "None");
  EXPECT_EQ(config.at("ODD"), "it's");
}

// Rule: what is beyond that is passed over, and nothing of it is run.
TEST(EmscriptenConfig, TheRestIsPassedOver) {
  const auto config = ParseEmscriptenConfig(
      "A = __import__('os').system('false')\n"
      "B = unknown + '/x'\n"
      "C = 'open\n"
      "D = 'x' if True else 'y'\n"
      "  E = 'indented'\n"
      "F\n"
      "=\n"
      "G = 'good'",
      "/x");
  for (const char* name : {"A", "B", "C", "D", "E", "F"}) EXPECT_EQ(config.count(name), 0u) << name;
  EXPECT_EQ(config.at("G"), "good");
}

}  // namespace
}  // namespace wasmagent::pipeline
