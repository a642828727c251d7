# Every external symbol of the libraries begins with onefold_, and the libraries need neither C++ nor
# MPI, the core no SQLite.
set -e
./run build
lib=build/release/libonefold
tune=build/release/tune/libonefold_tune
# Programs are bound to the minor version, too, while the major one is 0.
part() { awk -v name="ONEFOLD_VERSION_$1" '$2 == name {print $3}' include/onefold/context.h; }
soversion=$(part MAJOR)
[ "$soversion" -gt 0 ] || soversion=$soversion.$(part MINOR)
check() { # check LEAST LIBRARY: its symbols, of which there are LEAST at least
  local bad total
  bad=$(
    nm -D --defined-only "$2.so" | awk '{print "shared: " $NF}'
    nm -g --defined-only "$2.a" | awk 'NF == 3 {print "static: " $NF}'
  )
  total=$(wc -l <<<"$bad")
  bad=$(grep -v ': onefold_' <<<"$bad" || true)
  [ "$total" -ge "$1" ] || { echo "$2: only $total symbols found"; exit 1; }
  [ -z "$bad" ] || { echo "$bad"; exit 1; }
  readelf -d "$2.so" | grep "SONAME.*\[$(basename "$2").so.$soversion\]" || {
    echo "$2: not bound to $soversion:"
    readelf -d "$2.so" | grep SONAME
    exit 1
  }
  echo "$2: $total symbols"
}
check 50 $lib
check 20 $tune
! readelf -d $lib.so $tune.so | grep -E 'NEEDED.*(stdc\+\+|benchmark|mpi)' || exit 1
! readelf -d $lib.so | grep -E 'NEEDED.*sqlite' || exit 1
