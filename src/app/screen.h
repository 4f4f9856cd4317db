// A terminal that is filled with lines, and left as it was found: its other page, its cursor, its mode. One at a time,
// by one thread; signals that would end or stop the program are blocked while it is open, and come as events.
#pragma once

#include <sys/types.h>
#include <termios.h>

#include <memory>
#include <string>
#include <vector>

#include "fortium/base/clock.h"
#include "fortium/base/result.h"

namespace fortium::app {

class Screen {
 public:
  // invalid: standard input or output is no terminal, or one that cannot be drawn on.
  static Result<std::unique_ptr<Screen>> open();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return columns_; }
  // From the top; what does not fit is left out. Only lines that changed are written. A line must fit by itself.
  void show(std::vector<std::string> lines);

  enum class Event {
    nothing,  // the time is over
    key,      // see key()
    resized,  // or shown anew: everything is to be drawn again
    end,      // a signal, or the terminal is gone
  };
  Event wait(Millis at_most);
  char key() const { return key_; }

 private:
  explicit Screen(const termios& before) : before_(before) {}
  void enter();
  void leave();
  void put(const std::string& text);
  Event on_signal();
  Event on_key();
  void measure();
  void rest();  // Ctrl-Z, until the shell brings us back

  const termios before_;
  int signals_ = -1;
  std::size_t rows_ = 24, columns_ = 80;
  std::vector<std::string> shown_;
  char key_ = 0;
  bool gone_ = false;
};

}  // namespace fortium::app
