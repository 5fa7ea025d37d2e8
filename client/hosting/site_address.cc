#include "client/hosting/site_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "absl/strings/ascii.h"
#include "fmt/format.h"

namespace wasmagent::client {
namespace {

// A Host header's name without the port, and without the brackets of an IPv6 address.
std::string HostName(std::string_view header) {
  if (header.starts_with('[')) return std::string(header.substr(1, header.find(']') - 1));
  return absl::AsciiStrToLower(std::string(header.substr(0, header.find(':'))));
}

}  // namespace

bool IsLoopback(const std::string& address) {
  if (address == "localhost") return true;
  in_addr v4 = {};
  if (::inet_pton(AF_INET, address.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6 = {};
  return ::inet_pton(AF_INET6, address.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

std::string SiteUrl(const std::string& address, int port) {
  std::string host = address == "0.0.0.0" ? "127.0.0.1" : address == "::" ? "::1" : address;
  bool brackets = host.find(':') != std::string::npos;
  return fmt::format("http://{}{}{}:{}", brackets ? "[" : "", host, brackets ? "]" : "", port);
}

bool AnswersTo(const std::string& address, std::string_view host_header) {
  if (host_header.empty() || !IsLoopback(address)) return true;
  std::string name = HostName(host_header);
  return IsLoopback(name) || name.ends_with(".localhost");
}

}  // namespace wasmagent::client
