// What the module net.so exports. Program and module are of one build: the loader asks for the version first, as an
// upgrade may replace the module under a program that runs.
#pragma once

#include "fortium/net/http.h"

#define FORTIUM_EXPORT __attribute__((visibility("default")))

extern "C" {
// The caller deletes it. Null when there is no memory.
FORTIUM_EXPORT fortium::net::HttpClient* fortium_make_http_client(const fortium::net::ClientOptions* options) noexcept;
FORTIUM_EXPORT const char* fortium_net_version() noexcept;
}
