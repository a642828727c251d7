# Every C and C++ file is formatted by .clang-format.
set -eo pipefail
git ls-files '*.c' '*.h' '*.cc' | xargs clang-format-14 --dry-run -Werror
