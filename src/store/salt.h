// Random text of this installation, in a file beside its store (`salt`): what is hashed with it cannot be looked up.
// Any thread or process.
#pragma once

#include <string>

#include "fortium/base/entropy.h"
#include "fortium/base/result.h"

namespace fortium::store {

// Made, synced, when it is first asked for. busy: somebody makes it just now.
Result<std::string> salt_of(const std::string& data_dir, Entropy& entropy);

}  // namespace fortium::store
