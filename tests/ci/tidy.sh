# clang-tidy, with .clang-tidy, over the library, the program and the benchmarks.
set -eo pipefail
CC=clang-14 CXX=clang++-14 cmake --preset release -B build/tidy -DONEFOLD_OPENMP=OFF \
  -DONEFOLD_BUILD_TESTS=OFF
git ls-files 'arch/*.c' 'kernels/*.c' 'ops/*.c' 'graph/*.c' 'fold/*.c' 'models/*.c' 'bench/*.c' \
  'cli/*.c' | if [ "$(uname -m)" = x86_64 ]; then grep -v '/neon/'; else grep -v '/avx'; fi |
  grep -v topology_sysfs |
  xargs -n 4 -P "$(nproc)" clang-tidy-14 --quiet --warnings-as-errors='*' -p build/tidy
