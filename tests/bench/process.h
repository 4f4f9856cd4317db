// Other programs: started with nothing but what is named here, talked to by lines, watched, and always ended.
//
// A wait that lasts too long, or a signal to this program, becomes a Failure, so that every child and every temporary
// folder goes away with the stack. Only processes that were started here are ever signalled. One thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

using Seconds = std::chrono::duration<double>;
using Clock = std::chrono::steady_clock;

// Why a measure could not be taken. Thrown: a measure that cannot go on has nothing to return.
struct Failure {
  std::string what;
};

struct Command {
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment;  // all of it: nothing is inherited
  std::string errors = "/dev/null";                // file that stderr is appended to
};

// From now on SIGINT, SIGTERM and the end of `longest` make the next wait fail.
void stop_on_signals(std::chrono::seconds longest);
// From now on this program, and what it starts, run on the processor it is on.
void stay_on_one_core();
// Sleeps, unless a signal says to stop.
void pause_for(Seconds time);

class TempDir {
 public:
  explicit TempDir(const std::string& parent);
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  std::string path() const { return path_; }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

class Child {
 public:
  explicit Child(const Command& command);
  ~Child();  // ends it if nobody waited for its end
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void send(std::string_view bytes);
  std::string read_line();                 // without its end
  std::size_t read_more(std::string& to);  // what is there, at least a byte; 0 at the end of output
  bool read_for(std::chrono::milliseconds time, std::string& to);  // waits no longer; true at the end of output
  void close_input();

  bool running() const;
  int wait();                                      // its exit status, or 128 + the signal
  void ask_to_end();                               // SIGTERM
  Failure failure(const std::string& what) const;  // with the last thing it said on stderr

  Seconds cpu_time() const;  // user and system, to the nanosecond
  double resident_bytes() const;
  double peak_resident_bytes() const;  // 0 when it is gone

 private:
  double memory_field(std::string_view name) const;
  void end();

  std::string name_;
  std::string errors_;
  std::string input_;  // bytes read past the last line
  pid_t pid_ = -1;
  int to_ = -1;
  int from_ = -1;
  int handle_ = -1;  // pidfd: becomes readable when the process ends
};

struct Finished {
  int status = 0;
  std::string output;
  std::string errors;  // the last line
  Seconds time{};
  double peak_bytes = 0;
};

// Runs it to its end with an empty input.
Finished run(const Command& command);
// The same, and a status other than 0 is a failure.
std::string output_of(const Command& command);
// Its path when it is among the folders of PATH, else nothing.
std::string find_program(std::string_view name);

}  // namespace bench
