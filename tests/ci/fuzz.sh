# Each libFuzzer target for twenty seconds (ONEFOLD_FUZZ_SECONDS), from its corpus, under the address and
# undefined-behaviour sanitizers; as many at once as there are processors. What failed is told last.
# ONEFOLD_FUZZ_SEED=0 looks elsewhere each time; a gate that does would fail by chance.
set -euo pipefail
cmake --preset fuzz
cmake --build --preset fuzz --target fuzzers
export ONEFOLD_FUZZ_SECONDS=${ONEFOLD_FUZZ_SECONDS:-20} ONEFOLD_FUZZ_SEED=${ONEFOLD_FUZZ_SEED:-1}
export CMOCKA_TEST_ABORT=1 UBSAN_OPTIONS=print_stacktrace=1

fuzz() { # fuzz TARGET
  local found=build/fuzz/found/$1 corpus=tests/fuzz/corpus/$1
  rm -rf "$found"
  mkdir -p "$found/corpus"
  if "build/fuzz/tests/fuzz/fuzz_$1" -max_total_time="$ONEFOLD_FUZZ_SECONDS" -max_len=1024 \
    -seed="$ONEFOLD_FUZZ_SEED" -timeout=30 -rss_limit_mb=1536 -artifact_prefix="$found/" "$found/corpus" "$corpus" \
    >"$found/log" 2>&1; then
    echo "$1: $(grep DONE "$found/log" | tail -n 1)"
    return
  fi
  {
    grep -av 'NEW\|REDUCE\|pulse' "$found/log" | tail -n 30
    for input in "$found"/*-*; do
      [ -f "$input" ] || continue
      echo "$1: fails on this input, of which \`base64 --decode\` makes a file again:"
      base64 "$input"
      echo "build/fuzz/tests/fuzz/fuzz_$1 FILE repeats it"
    done
  } >"$found/failure"
  return 1
}
export -f fuzz

rm -f build/fuzz/found/*/failure
if ! for corpus in tests/fuzz/corpus/*; do echo "${corpus##*/}"; done |
  xargs -P "$(nproc)" -I TARGET bash -c 'fuzz TARGET'; then
  cat build/fuzz/found/*/failure
  exit 1
fi
