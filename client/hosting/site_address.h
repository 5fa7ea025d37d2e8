// Where a site listens, what it is called there, and which names it answers to.
#pragma once

#include <string>
#include <string_view>

namespace wasmagent::client {

// Whether only programs of this machine reach an address: 127.0.0.0/8, ::1, localhost.
bool IsLoopback(const std::string& address);

// "http://127.0.0.1:8000"; an address that means every one of this machine is called by its loopback one.
std::string SiteUrl(const std::string& address, int port);

// Whether a site that listens on `address` answers to a request's Host header, which may be empty. On loopback only to
// loopback's own names: any web page can have its own name resolve to 127.0.0.1 (DNS rebinding), and would then read
// the checkout as if it were its own. A site that listens elsewhere has names that cannot be known.
bool AnswersTo(const std::string& address, std::string_view host_header);

}  // namespace wasmagent::client
