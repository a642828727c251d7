# clang-tidy, with .clang-tidy, over the library, the program and the benchmarks. The stubs of
# vector kernels, thousands of unrolled lines each, are left to the tests and sanitizers; peers whose
# libraries CI has not are left out.
set -eo pipefail
CC=clang-14 CXX=clang++-14 cmake --preset release -B build/tidy -DONEFOLD_OPENMP=OFF \
  -DONEFOLD_BUILD_TESTS=OFF
git ls-files 'arch/*.c' ':(glob)kernels/*.c' 'kernels/ref/*.c' 'ops/*.c' 'graph/*.c' 'fold/*.c' \
  'models/*.c' 'cache/*.c' 'tune/*.c' 'bench/*.c' 'report/*.c' 'cli/*.c' ':!arch/topology_plain.c' ':!cli/link_none.c' ':!bench/peers/onednn*.c' \
  ':!bench/peers/xnnpack.c' |
  xargs -n 4 -P "$(nproc)" clang-tidy-14 --quiet --warnings-as-errors='*' -p build/tidy
