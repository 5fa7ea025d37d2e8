#include "client/hosting/media_type.h"

#include <map>
#include <string>

#include "absl/strings/ascii.h"

namespace wasmagent::client {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kBinary = "application/octet-stream";

// By extension in small letters; functions, not tables at namespace level, since nothing may run before main.
const std::map<std::string_view, std::string_view>& WebTypes() {
  static const auto* types = new std::map<std::string_view, std::string_view>{
      {"css", "text/css; charset=utf-8"},
      {"gif", "image/gif"},
      {"gz", "application/gzip"},
      {"htm", "text/html; charset=utf-8"},
      {"html", "text/html; charset=utf-8"},
      {"ico", "image/x-icon"},
      {"jpeg", "image/jpeg"},
      {"jpg", "image/jpeg"},
      {"js", "text/javascript; charset=utf-8"},
      {"json", "application/json"},
      {"map", "application/json"},
      {"mjs", "text/javascript; charset=utf-8"},
      {"pdf", "application/pdf"},
      {"png", "image/png"},
      {"svg", "image/svg+xml"},
      {"wasm", "application/wasm"},
      {"wat", kText},
      {"webp", "image/webp"},
      {"xml", "application/xml"},
      {"zip", "application/zip"},
  };
  return *types;
}

// Sources, what is written beside them, and what builds leave to be read.
bool IsTextExtension(std::string_view extension) {
  constexpr std::string_view kExtensions =
      " ac am asm c cc cfg cmake conf cpp csv cxx def diff f f90 go h hh hpp hxx in inc inl ini ipp ld log lock m4 md "
      "mk "
      "patch pl proto py pyi pyx rs rst s sh sum symbols tcl td toml ts txt yaml yml ";
  return kExtensions.find(" " + std::string(extension) + " ") != std::string_view::npos;
}

bool IsTextName(std::string_view name) {
  for (std::string_view known : {"Makefile", "GNUmakefile", "Dockerfile", "Containerfile", "LICENSE", "COPYING",
                                 "README", "NEWS", "AUTHORS", "configure", "Setup", ".gitignore", ".gitattributes"}) {
    if (name == known) return true;
  }
  return false;
}

}  // namespace

std::string_view MediaType(std::string_view name) {
  name.remove_prefix(name.rfind('/') + 1);  // npos + 1 is 0
  if (IsTextName(name)) return kText;
  auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return kBinary;
  std::string extension = absl::AsciiStrToLower(std::string(name.substr(dot + 1)));
  auto found = WebTypes().find(extension);
  if (found != WebTypes().end()) return found->second;
  return IsTextExtension(extension) ? kText : kBinary;
}

}  // namespace wasmagent::client
