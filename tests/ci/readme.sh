# The README's first program, the C block after <!-- first-program -->, compiles and runs.
set -e
./run build
mkdir -p build/readme
awk '/<!-- first-program -->/ {marked = 1}
     /^```$/ && inside {exit}
     inside {print}
     /^```c$/ && marked {inside = 1}' README.md >build/readme/first.c
[ -s build/readme/first.c ] || { echo "README.md has no first program"; exit 1; }
gcc -std=c11 -Wall -Wextra -Werror -Iinclude build/readme/first.c -o build/readme/first \
  -Lbuild/release -lonefold -lm -Wl,-rpath,"$PWD/build/release"
build/readme/first
