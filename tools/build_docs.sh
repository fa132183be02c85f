#!/usr/bin/env bash
# Install what is missing, then build the documentation site: docs/_build/index.html.
#
#   bash tools/build_docs.sh
#
# A warning is an error: a link without target, a page that is not listed, a
# docstring that is not understood.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv="$(bash tools/install.sh)"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
  -c requirements/constraints.txt -r requirements/docs.txt
rm -rf docs/generated docs/_build
"$venv/bin/python" -m sphinx -b html -q -W --keep-going docs docs/_build
echo "docs/_build/index.html"
