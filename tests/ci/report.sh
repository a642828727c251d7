# The pages of `onefold report` in headless Chromium: that charts are there and legible, at 400, 760 and
# 1400 pixels, light and dark, without scripts and network. Skipped, and said, where Chromium is not
# there, unless ONEFOLD_REQUIRE_CHROMIUM is set.
set -e
if ! command -v chromium >/dev/null || ! command -v python3 >/dev/null; then
  if [ -n "${ONEFOLD_REQUIRE_CHROMIUM:-}" ]; then
    echo "chromium or python3 is not there"
    exit 1
  fi
  echo "skipped: 1 check (chromium or python3 is not there)"
  exit 0
fi
[ -f build/release/build.ninja ] || cmake --preset release
cmake --build build/release --target onefold_cli
onefold=build/release/cli/onefold
work=build/report
rm -rf "$work" && mkdir -p "$work"
quick="--benchmark_min_time=0.001 --benchmark_repetitions=5"
# shellcheck disable=SC2086 # a list of flags
bench() { # bench SUITE ARGUMENTS...
  "$onefold" bench "$@" $quick --json "$work/$1.json" >/dev/null
}
bench conv --batch bench/shapes/mobilenet-v2.txt --no-check
head -n 8 bench/shapes/pairs.txt >"$work/pairs.txt"
bench pair --batch "$work/pairs.txt"
bench block repvgg mb1ic24ih7oc24kh3ph1 mb1ic8ih20oc16kh3sh2ph1
bench net repghostnet-0.5x --per-layer --no-check
"$onefold" bench accuracy --json "$work/accuracy.json" >/dev/null
python3 tests/report/sample.py "$work/sample.json" "$work/changed.json"
"$onefold" report "$work"/{conv,pair,block,net,accuracy}.json -o "$work/measured.html" --svg "$work/svg"
"$onefold" report "$work/sample.json" -o "$work/sample.html"
"$onefold" tune explain ic32ih14oc32oh14kh3ph1 --per-shape 200ms --svg "$work/svg/search.svg" >/dev/null
"$onefold" report --compare "$work/sample.json" "$work/changed.json" -o "$work/compared.html"
python3 tests/report/page.py --charts 1 "$work/compared.html"
python3 tests/report/page.py --charts 7 "$work/measured.html" "$work/sample.html"

# What is wrong is found: larger letters, a script, a wide paragraph, and charts without marks.
mkdir -p "$work/broken"
"$onefold" report "$work/accuracy.json" -o "$work/broken/good.html"
sed -e 's/svg \.label{font-size:12px/svg .label{font-size:40px/' \
  -e 's|</header>|<p style="width:2000px">wide</p><script></script></header>|' \
  "$work/broken/good.html" >"$work/broken/large.html"
sed -e 's/class="mark/class="gone" opacity="0" data-was="mark/' -e 's/<svg /<svg opacity="0" /' \
  "$work/broken/good.html" >"$work/broken/blank.html"
finds() { # finds PAGE WORDS...
  local page=$1 found
  shift
  if found=$(python3 tests/report/page.py "$work/broken/$page"); then
    echo "no fault is found in $page"
    return 1
  fi
  for words; do grep -q "$words" <<<"$found" || { echo "$page: not found: $words"; return 1; }; done
}
python3 tests/report/page.py "$work/broken/good.html"
finds large.html overlap 'leaves the chart' 'pixels wide' 'has scripts'
finds blank.html 'no mark' 'the chart is blank'
python3 - "$work"/*.html "$work"/svg/*.svg <<'END'
import sys
import xml.etree.ElementTree as tree
for path in sys.argv[1:]:
    tree.parse(path)
print(len(sys.argv) - 1, "files are well-formed")
END
