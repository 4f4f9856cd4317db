// What the module transcript.so exports. Program and module are of one build: the loader asks for the version first.
#pragma once

#include "line.h"

#define FORTIUM_EXPORT __attribute__((visibility("default")))

extern "C" {
// The caller deletes it. Null when there is no memory.
FORTIUM_EXPORT fortium::claude::LineParser* fortium_make_line_parser() noexcept;
FORTIUM_EXPORT const char* fortium_transcript_version() noexcept;
}
