# The release's tests and program on a CPU without AVX (qemu-x86_64 -cpu Nehalem): the
# library falls back to ref and no AVX instruction is reached. test_cli* are left out: they
# start the program, which would then run on the real CPU.
[ "$(uname -m)" = x86_64 ] || { echo "not an x86-64 machine: nothing to check"; exit 0; }
set -e
./run build
export ONEFOLD_REQUIRE_ISA=ref ONEFOLD_TEST_SCALE=${ONEFOLD_TEST_SCALE:-0.2} # emulation is slow
emulate() { timeout 600 qemu-x86_64 -cpu Nehalem "$@"; }

# The emulator must refuse AVX, or the rest proves nothing.
mkdir -p build/no-avx
printf '%s\n' '#include <immintrin.h>' 'int main(int c, char **v) {' \
  '  (void)v;' '  return (int)_mm256_cvtss_f32(_mm256_set1_ps((float)c));' '}' >build/no-avx/avx.c
gcc -O0 -mavx build/no-avx/avx.c -o build/no-avx/avx
if (emulate build/no-avx/avx) 2>/dev/null; [ $? -eq 1 ]; then
  echo "qemu ran an AVX instruction as Nehalem"
  exit 1
fi

info=$(emulate build/release/cli/onefold info)
if ! grep -qw ref <<<"$info" || grep -qE '__avx' <<<"$info"; then
  echo "the program did not fall back to ref:"
  echo "$info"
  exit 1
fi
for test in build/release/tests/test_*; do
  case $test in */test_cli*) continue ;; esac
  echo "-- $test"
  (cd build/no-avx && emulate "../../$test") >build/no-avx/log 2>&1 || {
    cat build/no-avx/log
    echo "$test failed"
    exit 1
  }
  tail -n 1 build/no-avx/log
done
