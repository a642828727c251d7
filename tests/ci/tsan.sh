# The tests of threads (label tsan) under ThreadSanitizer.
set -e
cmake --preset tsan
cmake --build --preset tsan
ctest --preset tsan --no-tests=error
