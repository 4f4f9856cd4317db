// The command line of fortium-metrics-server.
#pragma once

namespace fortium::service {

// Reads the words, runs the command they name, and returns the exit code.
int run_command_line(int argc, char** argv);

}  // namespace fortium::service
