# Everything compiles without a warning with clang, without OpenMP, and passes the tests.
set -e
CC=clang-14 CXX=clang++-14 cmake --preset release -B build/werror-clang -DONEFOLD_WERROR=ON \
  -DONEFOLD_OPENMP=OFF
cmake --build build/werror-clang
ctest --test-dir build/werror-clang --output-on-failure -j "$(nproc)"
