// A machine that fails when it is told to: loaded before the C library (LD_PRELOAD), it stands below SQLite, our file
// layers and the spool alike, so the programs under test are the real ones and know nothing of it.
//
// It numbers what a process does to the files of one directory, and to sockets. At a given number it kills the process,
// with half of a write done if asked; or takes the power away: what was not synced is lost, whole, in pieces of a
// sector or out of order, names of files included; or lets the call fail with an error, once or from then on. After a
// failed sync what was to be synced is lost without a word, as Linux does it: the page cache has it, the platter never
// gets it.
//
// FORTIUM_FAULT holds the plan, "name=value" joined by blanks; Machine in faults.py is its other half and explains each
// name. The platter is a directory that outlives the process, so several processes in turn are one machine.
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../support/dice.h"

extern "C" void* __libc_malloc(std::size_t size);  // NOLINT(bugprone-reserved-identifier): the C library's own name

namespace {

using fortium::test::Dice;

constexpr std::size_t kSector = 512;

// ---- the system, without us in between ----------------------------------------------------------------------------

namespace real {

int open(const char* path, int flags, mode_t mode) {
  return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t at) {
  return ::syscall(SYS_pwrite64, fd, bytes, size, at);
}
void close(int fd) { ::syscall(SYS_close, fd); }
int unlink(const char* path) { return static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, 0)); }
int rename(const char* from, const char* to) {
  return static_cast<int>(::syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to));
}
[[noreturn]] void die() {
  ::syscall(SYS_kill, ::getpid(), SIGKILL);
  for (;;) ::pause();
}

std::optional<std::string> content(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return std::nullopt;
  std::string all;
  char buffer[1 << 16];
  for (ssize_t n; (n = ::syscall(SYS_read, fd, buffer, sizeof buffer)) > 0;)
    all.append(buffer, static_cast<std::size_t>(n));
  close(fd);
  return all;
}

void replace(const std::string& path, const std::string& with) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return;
  for (std::size_t at = 0; at < with.size();) {
    const ssize_t n = pwrite(fd, with.data() + at, with.size() - at, static_cast<off_t>(at));
    if (n <= 0) break;
    at += static_cast<std::size_t>(n);
  }
  close(fd);
}

}  // namespace real

// ---- the platter --------------------------------------------------------------------------------------------------

// A write, or a new length, that no sync has followed.
struct Unsynced {
  std::size_t at = 0;
  std::string bytes;
  std::optional<std::size_t> cut;
};

struct File {
  std::string durable;
  std::vector<Unsynced> unsynced;
};

// A change of names that no sync of the directory has followed.
struct Renaming {
  std::string path;
  std::optional<std::string> before;  // what the platter had under this name
};

void apply(std::string& image, const Unsynced& change) {
  if (change.cut) {
    image.resize(*change.cut);
    return;
  }
  if (image.size() < change.at + change.bytes.size()) image.resize(change.at + change.bytes.size());
  image.replace(change.at, change.bytes.size(), change.bytes);
}

// What makes the one of the other, by sectors.
std::vector<Unsynced> differences(const std::string& durable, const std::string& now) {
  std::vector<Unsynced> changes;
  if (now.size() < durable.size()) changes.push_back({0, "", now.size()});
  for (std::size_t at = 0; at < now.size(); at += kSector) {
    std::string sector = now.substr(at, kSector);
    if (at >= durable.size() || durable.compare(at, sector.size(), sector) != 0)
      changes.push_back({at, std::move(sector), std::nullopt});
  }
  return changes;
}

// What of these changes reaches the platter when the power goes: nothing, a first part with a torn end, or any sectors.
void apply_some(std::string& image, const std::vector<Unsynced>& changes, Dice& dice) {
  const std::size_t way = dice.below(3);
  if (way == 0) return;
  const std::size_t whole = way == 1 ? dice.below(changes.size() + 1) : 0;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (way == 1 && i > whole) return;
    if (way == 1 && i < whole) {
      apply(image, changes[i]);
      continue;
    }
    if (changes[i].cut) {
      if (dice.one_in(2)) apply(image, changes[i]);
      continue;
    }
    for (std::size_t at = 0; at < changes[i].bytes.size(); at += kSector)
      if (dice.one_in(2)) apply(image, {changes[i].at + at, changes[i].bytes.substr(at, kSector), std::nullopt});
  }
}

// ---- the plan -----------------------------------------------------------------------------------------------------

struct Plan {
  std::string dir;      // which is watched, with all in it
  std::string platter;  // where the durable content is kept; empty: power does not fail
  std::string acts;     // which kinds are counted: o open, w write, s sync, t truncate, n names, l locks, c connection
  std::string count;    // the file that is told the number of acts, at the end
  std::int64_t kill = -1, lose = -1, stop = -1, fail = -1, fails = 1, seed = 0, memory = -1, ahead = 0;
  int error = EIO;
  bool torn = false, network = false;

  static Plan read(const char* text) {
    Plan plan;
    std::string_view left = text != nullptr ? text : "";
    while (!left.empty()) {
      const std::string_view one = left.substr(0, left.find(' '));
      left.remove_prefix(std::min(left.size(), one.size() + 1));
      const auto equals = one.find('=');
      const std::string_view name = one.substr(0, equals);
      const std::string value(equals == one.npos ? "" : one.substr(equals + 1));
      const auto number = [&value] { return std::strtoll(value.c_str(), nullptr, 10); };
      if (name == "dir") plan.dir = value;
      if (name == "platter") plan.platter = value;
      if (name == "acts") plan.acts = value;
      if (name == "count") plan.count = value;
      if (name == "kill") plan.kill = number();
      if (name == "lose") plan.lose = number();
      if (name == "stop") plan.stop = number();
      if (name == "fail") plan.fail = number();
      if (name == "fails") plan.fails = number();
      if (name == "error") plan.error = static_cast<int>(number());
      if (name == "seed") plan.seed = number();
      if (name == "torn") plan.torn = number() != 0;
      if (name == "memory") plan.memory = number();
      if (name == "ahead") plan.ahead = number();
      if (name == "network") plan.network = number() != 0;
    }
    return plan;
  }
};

class Machine {
 public:
  Machine() : plan_(Plan::read(std::getenv("FORTIUM_FAULT"))), dice_(static_cast<std::uint64_t>(plan_.seed)) {
    std::string made = real::content(plan_.platter + "/%%names").value_or("");
    for (std::size_t end; (end = made.find('\n')) != std::string::npos; made.erase(0, end + 1))
      names_.push_back({made.substr(0, end), std::nullopt});
  }

  const Plan& plan() const { return plan_; }

  bool watches(const char* path) const {
    if (plan_.dir.empty() || path == nullptr) return false;
    const std::string_view name = path;
    if (name == above(plan_.dir)) return true;
    return name.starts_with(plan_.dir) && !name.ends_with("-shm") && !name.ends_with(".lock");
  }

  // Whether the call goes on; if not, errno says why. `half` does a first part of it.
  template <class Half>
  bool act(char kind, Half half) {
    if (plan_.acts.find(kind) == std::string::npos) return true;
    const std::int64_t number = ++acts_;
    if (number == plan_.lose) lose_power();
    if (number == plan_.stop) ::syscall(SYS_kill, ::getpid(), SIGSTOP);  // until somebody lets it go on
    if (number == plan_.kill) {
      if (plan_.torn) half();
      save();
      real::die();
    }
    const bool failing =
        plan_.fail >= 0 && number >= plan_.fail && (plan_.fails == 0 || number < plan_.fail + plan_.fails);
    if (failing) errno = plan_.error;
    return !failing;
  }
  bool act(char kind) {
    return act(kind, [] {});
  }

  bool fails_for_memory() { return plan_.memory >= 0 && ++allocations_ == plan_.memory; }

  void opened(int fd, const char* path, bool made) {
    paths_[fd] = path;
    if (plan_.platter.empty()) return;
    if (is_dir(path)) return;
    if (made) names_.push_back({path, std::nullopt});
    file(path);
  }
  void closed(int fd) { paths_.erase(fd); }
  const std::string* path_of(int fd) const {
    const auto found = paths_.find(fd);
    return found != paths_.end() ? &found->second : nullptr;
  }

  void wrote(const std::string& path, off_t at, const void* bytes, std::size_t size) {
    if (!plan_.platter.empty())
      file(path).unsynced.push_back(
          {static_cast<std::size_t>(at), std::string(static_cast<const char*>(bytes), size), std::nullopt});
  }
  void cut(const std::string& path, off_t size) {
    if (!plan_.platter.empty()) file(path).unsynced.push_back({0, "", static_cast<std::size_t>(size)});
  }
  void synced(const std::string& path) {
    if (plan_.platter.empty()) return;
    if (is_dir(path)) {
      std::erase_if(names_, [&path](const Renaming& one) { return above(one.path) == path; });
      return;
    }
    File& synced = file(path);
    for (const Unsynced& change : synced.unsynced) apply(synced.durable, change);
    synced.unsynced.clear();
  }
  // The page cache thinks that it is clean; the platter does not have it.
  void not_synced(const std::string& path) {
    if (!plan_.platter.empty() && !is_dir(path)) file(path).unsynced.clear();
  }
  void removed(const std::string& path) {
    if (plan_.platter.empty()) return;
    names_.push_back({path, file(path).durable});
    files_.erase(path);
    real::unlink(shadow(path).c_str());
  }
  void made_dir(const std::string& path) {
    if (!plan_.platter.empty()) names_.push_back({path, std::nullopt});
  }
  void renamed(const std::string& from, const std::string& to) {
    if (plan_.platter.empty()) return;
    std::optional<std::string> before;
    if (const auto old = files_.find(to); old != files_.end()) before = old->second.durable;
    names_.push_back({to, before});
    files_[to] = file(from);
    files_.erase(from);
    real::unlink(shadow(from).c_str());
  }

  // The process ends, the machine goes on.
  void save() {
    if (!plan_.count.empty()) real::replace(plan_.count, std::to_string(acts_));
    if (plan_.platter.empty()) return;
    std::string made;  // and not synced yet; what was removed or renamed counts as done when a process ends
    for (const Renaming& name : names_)
      if (!name.before) made += name.path + "\n";
    real::replace(plan_.platter + "/%%names", made);
    for (const auto& [path, file] : files_) {
      real::replace(shadow(path), file.durable);
      if (file.unsynced.empty())
        real::unlink(dirty_mark(path).c_str());
      else
        real::replace(dirty_mark(path), "");
    }
  }

  std::recursive_mutex lock;

 private:
  static std::string above(const std::string& path) { return path.substr(0, path.rfind('/')); }
  static bool is_dir(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
  }

  std::string shadow(const std::string& path) const {
    std::string name = path.substr(std::min(path.size(), plan_.dir.size() + 1));
    std::ranges::replace(name, '/', '%');
    return plan_.platter + "/" + name;
  }

  std::string dirty_mark(const std::string& path) const { return shadow(path) + "%%dirty"; }

  File& file(const std::string& path) {
    auto found = files_.find(path);
    if (found == files_.end()) {
      // What was there before the machine was watched is on the platter.
      std::optional<std::string> durable = real::content(shadow(path));
      if (!durable) durable = real::content(path);
      File file{durable.value_or(""), {}};
      // What an earlier process has written is still to be synced, by whoever does so first.
      if (const auto now = real::content(dirty_mark(path)) ? real::content(path) : std::nullopt)
        file.unsynced = differences(file.durable, *now);
      found = files_.emplace(path, std::move(file)).first;
    }
    return found->second;
  }

  [[noreturn]] void lose_power() {
    for (auto& [path, file] : files_) {
      apply_some(file.durable, file.unsynced, dice_);
      file.unsynced.clear();
      real::replace(path, file.durable);
    }
    // Of the changes of names the first ones are there, and none after one that is not.
    const std::size_t kept = dice_.below(names_.size() + 1);
    for (std::size_t i = names_.size(); i > kept; --i) {
      const Renaming& name = names_[i - 1];
      if (name.before) {
        files_[name.path].durable = *name.before;
        real::replace(name.path, *name.before);
        continue;
      }
      // A directory that is not there is not there with all that is in it.
      std::erase_if(files_, [&](const auto& one) {
        if (one.first != name.path && !one.first.starts_with(name.path + "/")) return false;
        real::unlink(one.first.c_str());
        real::unlink(shadow(one.first).c_str());
        return true;
      });
      ::syscall(SYS_rmdir, name.path.c_str());
    }
    names_.clear();  // what came through a loss of power is on the platter
    for (const auto& [path, file] : files_)
      if (path.ends_with(".db")) real::unlink((path + "-shm").c_str());
    save();
    real::die();
  }

  const Plan plan_;
  Dice dice_;
  std::int64_t acts_ = 0;
  std::int64_t allocations_ = 0;
  std::map<int, std::string> paths_;
  std::map<std::string, File> files_;
  std::vector<Renaming> names_;
};

bool g_ready = false;

Machine& machine() {
  static Machine* const one = [] {
    Machine* made = new Machine();  // never gone: the program's last acts come through here, too
    std::atexit([] { machine().save(); });
    g_ready = true;
    return made;
  }();
  return *one;
}

[[gnu::constructor]] void begin() { machine(); }

using Hold = std::lock_guard<std::recursive_mutex>;

int open_any(const char* path, int flags, mode_t mode) {
  Machine& it = machine();
  const Hold hold(it.lock);
  if (!it.watches(path)) return real::open(path, flags, mode);
  struct stat info {};
  const bool makes = (flags & O_CREAT) != 0 && ::stat(path, &info) != 0;
  if (makes && !it.act('o')) return -1;
  const int fd = real::open(path, flags, mode);
  if (fd >= 0) {
    it.opened(fd, path, makes);
    if ((flags & O_TRUNC) != 0 && !makes) it.cut(path, 0);
  }
  return fd;
}

ssize_t write_any(int fd, const void* bytes, std::size_t size, off_t at, bool positioned) {
  Machine& it = machine();
  const Hold hold(it.lock);
  const auto put = [&](std::size_t part) {
    return positioned ? real::pwrite(fd, bytes, part, at) : ::syscall(SYS_write, fd, bytes, part);
  };
  const std::string* path = it.path_of(fd);
  if (path == nullptr) return put(size);
  if (!it.act('w', [&] { put(size / 2); })) return -1;
  // An append goes where the file ends.
  if (!positioned) {
    const int flags = ::fcntl(fd, F_GETFL);
    at = ::lseek(fd, 0, (flags & O_APPEND) != 0 ? SEEK_END : SEEK_CUR);
  }
  const ssize_t done = put(size);
  if (done > 0) it.wrote(*path, at, bytes, static_cast<std::size_t>(done));
  return done;
}

int sync_any(int fd, long call) {
  Machine& it = machine();
  const Hold hold(it.lock);
  const std::string* path = it.path_of(fd);
  if (path == nullptr) return static_cast<int>(::syscall(call, fd));
  if (!it.act('s')) {
    it.not_synced(*path);
    return -1;
  }
  it.synced(*path);  // the platter is ours: the real one need not turn
  return 0;
}

int cut_any(int fd, off_t size) {
  Machine& it = machine();
  const Hold hold(it.lock);
  const std::string* path = it.path_of(fd);
  if (path != nullptr && !it.act('t')) return -1;
  const int done = static_cast<int>(::syscall(SYS_ftruncate, fd, size));
  if (path != nullptr && done == 0) it.cut(*path, size);
  return done;
}

mode_t mode_of(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(arguments, unsigned)) : 0;
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_any(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_any(path, flags, mode);
}
int close(int fd) {
  const Hold hold(machine().lock);
  machine().closed(fd);
  return static_cast<int>(::syscall(SYS_close, fd));
}
ssize_t write(int fd, const void* bytes, std::size_t size) { return write_any(fd, bytes, size, 0, false); }
ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t at) { return write_any(fd, bytes, size, at, true); }
ssize_t pwrite64(int fd, const void* bytes, std::size_t size, off_t at) { return write_any(fd, bytes, size, at, true); }
int fsync(int fd) { return sync_any(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_any(fd, SYS_fdatasync); }
int ftruncate(int fd, off_t size) noexcept { return cut_any(fd, size); }
int ftruncate64(int fd, off_t size) noexcept { return cut_any(fd, size); }

int flock(int fd, int operation) noexcept {
  {
    const Hold hold(machine().lock);
    if (machine().path_of(fd) != nullptr && !machine().act('l')) return -1;
  }
  return static_cast<int>(::syscall(SYS_flock, fd, operation));
}

int unlink(const char* path) noexcept {
  Machine& it = machine();
  const Hold hold(it.lock);
  if (it.watches(path) && !it.act('n')) return -1;
  const int done = real::unlink(path);
  if (done == 0 && it.watches(path)) it.removed(path);
  return done;
}
int mkdir(const char* path, mode_t mode) noexcept {
  Machine& it = machine();
  const Hold hold(it.lock);
  if (it.watches(path) && !it.act('n')) return -1;
  const int done = static_cast<int>(::syscall(SYS_mkdirat, AT_FDCWD, path, mode));
  if (done == 0 && it.watches(path)) it.made_dir(path);
  return done;
}
int rename(const char* from, const char* to) noexcept {
  Machine& it = machine();
  const Hold hold(it.lock);
  if (it.watches(to) && !it.act('n')) return -1;
  const int done = real::rename(from, to);
  if (done == 0 && it.watches(to)) it.renamed(from, to);
  return done;
}

// The network: only the number counts, so that a sender can be killed before, between and after.
ssize_t send(int fd, const void* bytes, std::size_t size, int flags) {
  {
    const Hold hold(machine().lock);
    if (!machine().act('c')) return -1;
  }
  return ::syscall(SYS_sendto, fd, bytes, size, flags, nullptr, 0);
}
ssize_t recv(int fd, void* bytes, std::size_t size, int flags) {
  {
    const Hold hold(machine().lock);
    if (!machine().act('c')) return -1;
  }
  return ::syscall(SYS_recvfrom, fd, bytes, size, flags, nullptr, nullptr);
}

// The directory may be on a network file system, as far as anybody can tell.
int statfs(const char* path, struct statfs* info) noexcept {
  const auto done = static_cast<int>(::syscall(SYS_statfs, path, info));
  if (done == 0 && machine().plan().network && machine().watches(path)) info->f_type = 0x6969;  // NFS_SUPER_MAGIC
  return done;
}

// The wall clock may be wrong by `ahead` seconds; the steady one never is.
int clock_gettime(clockid_t clock, struct timespec* time) noexcept {
  const int done = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  if (done == 0 && clock == CLOCK_REALTIME && g_ready) time->tv_sec += machine().plan().ahead;
  return done;
}

void* malloc(std::size_t size) noexcept {
  if (g_ready && machine().fails_for_memory()) {
    errno = ENOMEM;
    return nullptr;
  }
  return __libc_malloc(size);
}

}  // extern "C"
#pragma GCC visibility pop
