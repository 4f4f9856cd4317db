// A shape as JSON Schema 2020-12: for tools/list, for schemas/, and for the agreement test. Pure; any thread.
#pragma once

#include "fortium/base/json.h"
#include "fortium/schema/field.h"

namespace fortium::schema {

// `open`: members that the shape does not name are allowed, as in answers, which may grow.
// Edge::call is what a model is shown: each thing under one name. Edge::record shows the documented synonyms too, and a
// required field may then be given under any one of its names.
Json json_schema(Shape shape, Edge edge, bool open = false);

}  // namespace fortium::schema
