# The tests find every mistake of tests/mutants/list.txt.
exec bash tests/mutants/run.sh
