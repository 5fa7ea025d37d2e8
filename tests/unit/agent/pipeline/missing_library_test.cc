#include "agent/pipeline/missing_library.h"

#include "agent/pipeline/embedded_texts.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::pipeline {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string NameOf(const std::optional<MissingLibrary>& missing) { return missing ? missing->name : ""; }

std::string InError(std::string_view text) { return NameOf(MissingInError(text, LibraryTable::BuiltIn())); }

// The table that the agent comes with is right.
TEST(LibraryTable, TheBuiltInOneIsRight) {
  auto table = LibraryTable::Parse(EmbeddedTexts().at("libraries.yaml"), "libraries.yaml");
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_GT(table->all().size(), 20U);
  EXPECT_EQ(LibraryTable::BuiltIn().all().size(), table->all().size());
}

// Whatever a library is called by leads to it.
TEST(LibraryTable, FindsByEveryName) {
  const LibraryTable& table = LibraryTable::BuiltIn();
  ASSERT_NE(table.OfHeader("openssl/ssl.h"), nullptr);
  EXPECT_EQ(table.OfHeader("openssl/ssl.h")->name, "OpenSSL");
  EXPECT_EQ(table.OfHeader("openssl.h"), nullptr);
  EXPECT_EQ(table.OfLink("z")->name, "zlib");
  EXPECT_EQ(table.OfPackage("ZLIB")->name, "zlib");
  EXPECT_EQ(table.OfPort("sqlite3")->name, "SQLite");
  EXPECT_EQ(table.OfPort(""), nullptr);
}

// Compilers and linkers, each in its words; headers of nobody's are left to the compiler's message.
TEST(MissingInError, KnowsTheForms) {
  EXPECT_EQ(InError("'zlib.h' file not found"), "zlib");
  EXPECT_EQ(InError("zlib.h: No such file or directory"), "zlib");
  EXPECT_EQ(InError("wasm-ld: unable to find library -lsqlite3"), "SQLite");
  EXPECT_EQ(InError("ld: cannot find -lfoo: No such file or directory"), "-lfoo");
  EXPECT_EQ(InError("'mine.h' file not found"), "");
  EXPECT_EQ(InError("gcc: zlib.h: No such file or directory"), "");
  EXPECT_EQ(InError("expected ';'"), "");
  EXPECT_EQ(InError("unable to find library -l"), "");
}

// What pkg-config and CMake say.
TEST(MissingPackageIn, KnowsTheForms) {
  auto in = [](std::string_view line) { return NameOf(MissingPackageIn(line, LibraryTable::BuiltIn())); };
  EXPECT_EQ(in("No package 'libffi' found"), "libffi");
  EXPECT_EQ(in("Package 'foo', required by 'virtual:world', not found"), "foo");
  EXPECT_EQ(in("  Could NOT find ZLIB (missing: ZLIB_LIBRARY ZLIB_INCLUDE_DIR)"), "zlib");
  EXPECT_EQ(in("  Could not find a package configuration file provided by \"Foo\" with any of"), "Foo");
  EXPECT_EQ(in("checking for zlib... no"), "");
  EXPECT_EQ(in("No package '' found"), "");
}

// The advice is one that the toolchain can follow.
TEST(AdviceFor, DependsOnTheToolchain) {
  const MissingLibrary zlib = {"zlib", LibraryTable::BuiltIn().OfLink("z")};
  const MissingLibrary ffi = {"libffi", LibraryTable::BuiltIn().OfLink("ffi")};
  EXPECT_THAT(AdviceFor(zlib, "native"), HasSubstr("zlib1g-dev"));
  EXPECT_THAT(AdviceFor(zlib, "emscripten"), HasSubstr("embuilder build zlib"));
  EXPECT_THAT(AdviceFor(ffi, "emscripten"), HasSubstr("Emscripten SDK does not have libffi"));
  EXPECT_THAT(AdviceFor(zlib, "wasi"), HasSubstr("WASI SDK does not have zlib"));
  EXPECT_THAT(AdviceFor({"-lfoo", nullptr}, "native"), HasSubstr("install -lfoo"));
}

// A mistake is an error that names its place.
TEST(LibraryTable, MistakesAreNamedWithTheirPlace) {
  auto problem = [](const std::string& items) {
    auto table = LibraryTable::Parse("version: 1\nlibraries:\n" + items, "table.yaml");
    return table.ok() ? "" : std::string(table.status().message());
  };
  const std::string one = "  - {name: x, headers: [x.h], debian: libx-dev}\n";
  EXPECT_EQ(problem(one), "");
  EXPECT_THAT(problem(one + one), StartsWith("table.yaml:4:"));
  EXPECT_THAT(problem(one + "  - {name: y, headers: [x.h], debian: liby-dev}\n"),
              HasSubstr("'x.h' in 'headers' stands twice"));
  EXPECT_THAT(problem("  - {name: x, headers: [], debian: libx-dev}\n"), HasSubstr("'headers' is empty"));
  EXPECT_THAT(problem("  - {name: x, header: [x.h], debian: libx-dev}\n"), StartsWith("table.yaml:3:"));
  EXPECT_THAT(problem("  - {name: x, headers: [x.h]}\n"), HasSubstr("needs 'debian'"));
  EXPECT_THAT(problem("  - {name: x\n"), StartsWith("table.yaml:"));
}

}  // namespace
}  // namespace wasmagent::pipeline
