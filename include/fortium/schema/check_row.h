// check() for who makes records by the ten thousand: no JSON is built for them.
#pragma once

#include <vector>

#include "fortium/schema/check.h"

namespace fortium::schema {

// Is this row, made value by value, what the shape says of a complete record? Every violation, as check() words it;
// none: it is. Timestamps are given as text and become milliseconds; objects and lists are given as canonical JSON
// text, whose members are not looked at. Pure; any thread.
std::vector<Violation> check_row(Shape shape, Row& row, WallTime now);

}  // namespace fortium::schema
