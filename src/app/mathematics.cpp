// Functions of libm, which is loaded when the first of them is called. SQLite's library refers to most of them, and no
// statement of ours calls them; linked as usual, every start of the program would load another shared library: a tenth
// of what a hook costs, in time and in memory. Any thread.
#include <dlfcn.h>

#include <cstdlib>

namespace {

template <class Function>
Function* from_libm(const char* name) {
  static void* const library = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
  void* const found = library != nullptr ? dlsym(library, name) : nullptr;
  if (found == nullptr) std::abort();  // no C library is without it
  return reinterpret_cast<Function*>(found);
}

using Unary = double(double);
using Binary = double(double, double);

double call(const char* name, double x) { return from_libm<Unary>(name)(x); }
double call(const char* name, double x, double y) { return from_libm<Binary>(name)(x, y); }

}  // namespace

extern "C" {

double acos(double x) { return call("acos", x); }
double acosh(double x) { return call("acosh", x); }
double asin(double x) { return call("asin", x); }
double asinh(double x) { return call("asinh", x); }
double atan(double x) { return call("atan", x); }
double atan2(double y, double x) { return call("atan2", y, x); }
double atanh(double x) { return call("atanh", x); }
double cos(double x) { return call("cos", x); }
double cosh(double x) { return call("cosh", x); }
double exp(double x) { return call("exp", x); }
double floor(double x) { return call("floor", x); }
double fmod(double x, double y) { return call("fmod", x, y); }
double log(double x) { return call("log", x); }
double pow(double x, double y) { return call("pow", x, y); }
double sin(double x) { return call("sin", x); }
double sinh(double x) { return call("sinh", x); }
double sqrt(double x) { return call("sqrt", x); }
double tan(double x) { return call("tan", x); }
double tanh(double x) { return call("tanh", x); }
double trunc(double x) { return call("trunc", x); }
long lround(double x) { return from_libm<long(double)>("lround")(x); }
long long llround(double x) { return from_libm<long long(double)>("llround")(x); }
int fegetround() { return from_libm<int()>("fegetround")(); }
int fesetround(int way) { return from_libm<int(int)>("fesetround")(way); }

}  // extern "C"
