// A `fortium-metrics-server` of our own on the loopback, with one organization and a key, gone with the object.
#pragma once

#include "measure.h"

namespace bench {

class Service {
 public:
  // Returns when it says that it is ready.
  Service(const Bench& bench, const TempDir& dir);
  ~Service();  // asks it to end, and insists after a while

  // What a client needs to reach it and to send nothing by itself.
  Bench::Settings client_settings() const;

 private:
  void wait_until_ready();

  std::string key_;
  int port_;
  Child child_;
};

}  // namespace bench
