# Each public header compiles alone, as C11 and as C++17.
set -e
mkdir -p build
for header in include/onefold/*.h; do
  echo "$header"
  printf "#include <onefold/%s>\ntypedef int compiled_alone;\n" "${header##*/}" >build/header.c
  for compiler in 'gcc -std=c11' 'clang-14 -std=c11' 'g++ -x c++ -std=c++17' \
    'clang++-14 -x c++ -std=c++17'; do
    $compiler -pedantic -Wall -Wextra -Werror -Iinclude -fsyntax-only build/header.c
  done
done
