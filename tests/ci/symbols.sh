# Every external symbol of both libraries begins with onefold_, and the shared one needs no C++.
set -e
./run build
lib=build/release/libonefold
bad=$(
  nm -D --defined-only $lib.so | awk '{print "shared: " $NF}'
  nm -g --defined-only $lib.a | awk 'NF == 3 {print "static: " $NF}'
)
total=$(wc -l <<<"$bad")
bad=$(grep -v ': onefold_' <<<"$bad" || true)
[ "$total" -gt 50 ] || { echo "only $total symbols found"; exit 1; }
[ -z "$bad" ] || { echo "$bad"; exit 1; }
! readelf -d $lib.so | grep -E 'NEEDED.*(stdc\+\+|sqlite|benchmark)' || exit 1
readelf -d $lib.so | grep SONAME
echo "$total symbols"
