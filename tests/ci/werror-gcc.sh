# Everything compiles without a warning with gcc.
set -e
CC=gcc CXX=g++ cmake --preset release -B build/werror-gcc -DONEFOLD_WERROR=ON
cmake --build build/werror-gcc
