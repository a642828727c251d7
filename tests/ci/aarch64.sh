# The tests of the Arm build under qemu-aarch64, NEON required.
set -e
cmake --preset aarch64
cmake --build --preset aarch64
ONEFOLD_REQUIRE_ISA="ref neon" ctest --preset aarch64
