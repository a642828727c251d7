# Installs into a DESTDIR and builds the examples against it in the four ways.
set -e
export ONEFOLD_RECORD= # none
./run build
work=$PWD/build/install
rm -rf "$work" && mkdir -p "$work"
DESTDIR=$work/dest cmake --install build/release --prefix /usr/local >/dev/null
prefix=$work/dest/usr/local
libdir=$(dirname "$(find "$prefix" -name 'libonefold.so')")
cp -r "$prefix" "$work/static-only"
find "$work/static-only" -name 'libonefold*.so*' -delete

try() { # try NAME COMMAND...
  local name=$1
  shift
  echo "-- $name"
  "$@"
}
pc() { # pc PREFIX ARGUMENTS...
  local from=${libdir/$prefix/$1}
  shift
  PKG_CONFIG_PATH=$from/pkgconfig pkg-config "$@"
}
with_shared() { LD_LIBRARY_PATH=$libdir "$@"; }

# shellcheck disable=SC2046 # lists of flags
by_pkg_config() {
  gcc -std=c11 examples/first.c -o "$work/first" $(pc "$prefix" --cflags --libs onefold) -lm
  with_shared "$work/first"
  gcc -std=c11 examples/backend.c -o "$work/backend" $(pc "$prefix" --cflags --libs onefold) -lm -pthread
  with_shared "$work/backend"
  gcc -std=c11 examples/threads.c -o "$work/threads" $(pc "$prefix" --cflags --libs onefold) -lm -pthread
  with_shared "$work/threads"
  gcc -std=c11 examples/record.c -o "$work/record" $(pc "$prefix" --cflags --libs onefold-tune)
  with_shared "$work/record"
}
# shellcheck disable=SC2046 # lists of flags
by_pkg_config_static() {
  gcc -std=c11 examples/first.c -o "$work/first-static" \
    $(pc "$work/static-only" --static --cflags --libs onefold) -lm
  "$work/first-static"
  gcc -std=c11 examples/backend.c -o "$work/backend-static" \
    $(pc "$work/static-only" --static --cflags --libs onefold) -lm -pthread
  "$work/backend-static"
  gcc -std=c11 examples/threads.c -o "$work/threads-static" \
    $(pc "$work/static-only" --static --cflags --libs onefold) -lm -pthread
  "$work/threads-static"
  gcc -std=c11 examples/record.c -o "$work/record-static" \
    $(pc "$work/static-only" --static --cflags --libs onefold-tune)
  "$work/record-static"
  ! readelf -d "$work/first-static" "$work/backend-static" "$work/threads-static" "$work/record-static" |
    grep libonefold
}
by_cmake() { # by_cmake LIBRARY
  cmake -S examples -B "$work/$1" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" -DLIBRARY="$1" >/dev/null
  cmake --build "$work/$1" >/dev/null
  "$work/$1/first"
  "$work/$1/backend"
  "$work/$1/threads"
  "$work/$1/record"
}
# A project without C, which asks for the static library alone.
by_cmake_cxx() {
  mkdir "$work/cxx"
  cat >"$work/cxx/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(onefold_from_cxx LANGUAGES CXX)
find_package(onefold REQUIRED COMPONENTS static)
add_executable(program main.cc)
target_link_libraries(program onefold::onefold_static)
END
  cat >"$work/cxx/main.cc" <<'END'
#include <onefold/onefold.h>
int main() {
  onefold_context *context = nullptr;
  const int failed = onefold_context_create(nullptr, &context);
  onefold_context_destroy(context);
  return failed;
}
END
  cmake -S "$work/cxx" -B "$work/cxx/build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
  cmake --build "$work/cxx/build" >/dev/null
  "$work/cxx/build/program"
}
# What is not there is named.
by_cmake_missing() {
  if PKG_CONFIG_LIBDIR=$work/none cmake -S "$work/cxx" -B "$work/missing" -G Ninja \
    -DCMAKE_PREFIX_PATH="$prefix" >/dev/null 2>"$work/missing.txt"; then
    return 1
  fi
  tr '\n' ' ' <"$work/missing.txt" | grep -q 'not found: jansson, hwloc, SQLite'
}
try 'pkg-config, shared' by_pkg_config
try 'pkg-config, static' by_pkg_config_static
try 'CMake, shared' by_cmake onefold
try 'CMake, static' by_cmake onefold_static
try 'CMake, static, C++ alone' by_cmake_cxx
try 'CMake, static, libraries missing' by_cmake_missing
try 'the installed program' with_shared "$prefix/bin/onefold" --version
export ONEFOLD_RECORD=$work/tilings.db
try 'the installed tuner' "$prefix/bin/onefold" tune import /dev/null
