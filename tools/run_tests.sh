#!/usr/bin/env bash
# Install what is missing, then run the test suite.
#
#   bash tools/run_tests.sh                        # all but the slow tests
#   bash tools/run_tests.sh -m slow                # arguments go to pytest
#   MMVIS_STACK=openmmlab bash tools/run_tests.sh  # on the other stack
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv="$(bash tools/install.sh)"
# The tensors of the tests are too small to be worth more threads.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
exec "$venv/bin/python" -m pytest -m 'not slow' "$@"
