# Who may include whom. Each room sees itself, the rooms listed, and the public API.
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
kernels arch
ops     arch kernels
graph   arch kernels ops
fold    arch kernels ops graph
models  arch kernels ops graph fold
cache   arch kernels ops graph fold models
tune    arch kernels ops graph
bench   kernels/kernel.h
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
