#!/usr/bin/env bash
# Applies each mistake of list.txt, or those that are named, to a copy of the tree, one at a time,
# and runs the tests that must fail with it.
#
#   tests/mutants/run.sh [name...]
#
# Fails where a mistake survives, does not compile or no longer applies. The copy is
# build/mutants/tree, built without vector kernels in build/mutants/build.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
list=tests/mutants/list.txt
tree=$PWD/build/mutants/tree
build=$PWD/build/mutants/build
unset ONEFOLD_REQUIRE_ISA ONEFOLD_MAX_ISA
export ONEFOLD_TEST_SCALE=0.1

names=() files=() tests=() olds=() news=()
while IFS= read -r line; do
  case $line in
    '' | '#'*) ;;
    '- '*) olds+=("${line#- }") ;;
    '+ '*) news+=("${line#+ }") ;;
    *)
      read -r name file programs <<<"$line"
      names+=("$name") files+=("$file") tests+=("$programs")
      ;;
  esac
done <"$list"
count=${#names[@]}
[ "$count" -gt 0 ] && [ ${#olds[@]} -eq "$count" ] && [ ${#news[@]} -eq "$count" ] || {
  echo "$list: $count names, ${#olds[@]} texts to replace, ${#news[@]} replacements"
  exit 1
}

chosen=() programs=()
for ((i = 0; i < count; i++)); do
  if [ $# -eq 0 ] || [[ " $* " == *" ${names[i]} "* ]]; then
    chosen+=("$i")
    # shellcheck disable=SC2206 # a list of names
    programs+=(${tests[i]})
  fi
done
[ ${#chosen[@]} -gt 0 ] || { echo "$list has no mistake of that name"; exit 1; }
mapfile -t programs < <(printf '%s\n' "${programs[@]}" | sort -u)

# A run that was stopped may have left a mistake in the tree, or compiled from it.
rm -rf "$tree"
mkdir -p "$tree"
git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- --create | tar --extract --directory="$tree" || exit 1
for file in $(printf '%s\n' "${files[@]}" | sort -u); do touch "$tree/$file"; done

cmake -S "$tree" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS=-O1 \
  -DONEFOLD_BUILD_CLI=OFF -DONEFOLD_OPENMP=OFF -DONEFOLD_COMPILES_AVX2=OFF \
  -DONEFOLD_COMPILES_AVX512=OFF >"$build.log" 2>&1 &&
  ninja -C "$build" "${programs[@]}" >>"$build.log" 2>&1 || { cat "$build.log"; exit 1; }
for program in "${programs[@]}"; do
  timeout 120 "$build/tests/$program" >"$build.log" 2>&1 || {
    cat "$build.log"
    echo "$program fails without any mistake"
    exit 1
  }
done

# try INDEX: prints what became of a mistake; succeeds where it was found.
try() {
  local old=${olds[$1]} new=${news[$1]} file=$tree/${files[$1]} content rest program survived=
  content=$(cat "$file" && echo .)
  content=${content%.}
  rest=${content//"$old"/}
  local times=$(((${#content} - ${#rest}) / ${#old}))
  [ $times -eq 1 ] || { echo "the text is $times times in ${files[$1]}"; return 1; }
  printf '%s%s%s' "${content%%"$old"*}" "$new" "${content#*"$old"}" >"$file"
  # shellcheck disable=SC2086 # a list of names
  if ninja -C "$build" ${tests[$1]} >"$build.log" 2>&1; then
    for program in ${tests[$1]}; do
      timeout 120 "$build/tests/$program" >"$build.log" 2>&1 && survived="$survived $program"
    done
  else
    survived=" (it does not compile)"
    cat "$build.log"
  fi
  printf '%s' "$content" >"$file"
  [ -z "$survived" ] || { echo "SURVIVED$survived"; return 1; }
  echo "found by ${tests[$1]}"
}

bad=
for i in "${chosen[@]}"; do
  start=$SECONDS
  said=$(try "$i") || bad="$bad ${names[i]}"
  printf '%-32s %-24s %s (%d s)\n' "${names[i]}" "${files[i]}" "$said" $((SECONDS - start))
done
echo "${#chosen[@]} mistakes, not found:${bad:- none}"
[ -z "$bad" ]
