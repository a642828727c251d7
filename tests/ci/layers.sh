# Which folder may include which: each includes its own files, those of the folders that are listed, and the
# public API. ARCHITECTURE.md has the same table.
git ls-files --error-unmatch arch/isa.c >/dev/null || exit 1
status=0
while read -r room sees; do
  [ -d "$room" ] || continue
  for file in $(git ls-files "$room/*.[ch]" "$room/*.cc" "$room/*.def"); do
    while read -r included; do
      allowed=no
      for name in $room $sees; do
        case $included in "$name" | "$name"/*) allowed=yes ;; esac
      done
      [ $allowed = yes ] || { echo "$file includes $included"; status=1; }
    done < <(sed -nE 's|^ *# *include *"([^"]+)".*|\1|p' "$file")
  done
done <<'END'
arch
kernels
ops     arch kernels
graph   ops
fold    ops graph
models  ops graph
cache   ops graph models
tune
bench
report
cli     bench report
END
only() { # only HEADER DIRECTORY: no file elsewhere includes that header
  if git grep -lE "# *include *<($1)" -- '*.c' '*.h' '*.cc' | grep -v "^$2/"; then
    echo "<$1> is included outside $2/"
    status=1
  fi
}
only 'hwloc\.h|hwloc/' arch
only 'sqlite3' tune
only 'benchmark/' bench
only 'mpi\.h' cli
if git grep -nE '# *include *<.*intrin\.h>|# *include *<arm_neon\.h>' -- . ':!kernels/simd' \
  ':!kernels/avx2' ':!kernels/avx512' ':!kernels/neon' ':!tests/ci'; then
  echo "intrinsics outside kernels/simd and the stubs"
  status=1
fi
exit $status
