// The command line. The only place that knows CLI11.
#pragma once

namespace fortium::app {

int run_cli(int argc, char** argv);

}  // namespace fortium::app
