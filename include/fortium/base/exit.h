// How both programs end: a script sees one set of codes. Values.
#pragma once

namespace fortium {

enum Exit : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kConfiguration = 3,
  kUnreachable = 4,  // the service
  kCredentials = 5,  // refused
  kPartly = 6,       // some records refused or still queued; something differs
  kStore = 7,
};

}  // namespace fortium
