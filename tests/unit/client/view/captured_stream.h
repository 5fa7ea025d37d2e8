// A stream into memory.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace wasmagent::client {

class CapturedStream {
 public:
  CapturedStream() : stream_(::open_memstream(&data_, &size_)) {}
  ~CapturedStream() {
    std::fclose(stream_);
    std::free(data_);
  }
  std::FILE* get() { return stream_; }
  std::string text() {
    std::fflush(stream_);
    return std::string(data_, size_);
  }

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
  std::FILE* stream_;
};

}  // namespace wasmagent::client
