#!/usr/bin/env bash
# Install what is missing, then build the documentation site: docs/_build/index.html.
#
#   bash tools/build_docs.sh
#
# Warnings are errors: a broken link, a page that is not listed, an invalid docstring.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv="$(bash tools/install.sh)"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
  -c requirements/constraints.txt -r requirements/docs.txt
rm -rf docs/generated docs/_build
"$venv/bin/python" -m sphinx -b html -q -W --keep-going docs docs/_build
echo "docs/_build/index.html"
