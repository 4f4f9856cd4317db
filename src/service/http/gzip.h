// Reads a gzip body that may be hostile. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "fortium/base/result.h"

namespace fortium::service {

// full: it is larger than `limit` once unpacked (and at most that much was unpacked). invalid: not whole gzip data.
Result<std::string> gunzip(std::string_view packed, std::size_t limit);

}  // namespace fortium::service
