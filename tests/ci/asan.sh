# The tests under AddressSanitizer and UndefinedBehaviorSanitizer.
set -e
cmake --preset asan
cmake --build --preset asan
ctest --preset asan -j "$(nproc)"
