#!/usr/bin/env bash
# Install what is missing, then run the test suite.
#
#   bash tools/run_tests.sh                        # all but the slow tests
#   bash tools/run_tests.sh -m slow                # arguments go to pytest
#   MMVIS_STACK=openmmlab bash tools/run_tests.sh  # on the other stack
#
# One process for each core, at most four; MMVIS_TEST_PROCESSES sets the number, and 0
# runs the tests in this process, as debuggers need it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv="$(bash tools/install.sh)"
# Only the tests need a browser's driver: it is no part of the installation. Without
# Chromium itself (apt install chromium) the tests of pages are skipped.
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
  -c requirements/constraints.txt -r requirements/demo.txt
cores="$(nproc)"
processes="${MMVIS_TEST_PROCESSES:-$((cores < 4 ? cores : 4))}"
# The tensors of the tests are too small to be worth more threads.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
# A file's tests share models and trainings: they stay in one process.
exec "$venv/bin/python" -m pytest -m 'not slow' \
  --numprocesses "$processes" --dist loadfile "$@"
