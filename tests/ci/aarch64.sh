# The tests of the Arm build under qemu-aarch64, NEON required.
set -e
cmake --preset aarch64
cmake --build --preset aarch64
export ONEFOLD_TEST_SCALE=${ONEFOLD_TEST_SCALE:-0.2} # emulation is slow
ONEFOLD_REQUIRE_ISA="ref neon" ctest --preset aarch64
