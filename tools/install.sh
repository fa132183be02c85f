#!/usr/bin/env bash
# Make the virtual environment of mmvis, or find it ready and return at once.
#
#   bash tools/install.sh                        # .venv, OneDL stack
#   MMVIS_STACK=openmmlab bash tools/install.sh  # .venv-openmmlab
#
# Progress goes to stderr; stdout is one line, the folder of the environment.
# No compiler and no libGL are needed. PYTHON names the interpreter (>= 3.10).
#
# PyTorch: a torch >= 2.4 that the environment already has is kept. To choose a
# wheel, make the environment and install torch in it before calling this, or
# point pip to an index, e.g. for machines without a GPU (far smaller):
#   export PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

stack="${MMVIS_STACK:-onedl}"
case "$stack" in
  onedl) venv="$PWD/.venv" ;;
  openmmlab) venv="$PWD/.venv-openmmlab" ;;
  *)
    echo "MMVIS_STACK is '$stack'; expected 'onedl' or 'openmmlab'." >&2
    exit 2
    ;;
esac
stamp="$venv/.mmvis-installed"
python="${PYTHON:-python3}"

say() { echo "[install] $*" >&2; }

# What the environment was made from: another content means another install.
fingerprint() {
  echo "$stack $PWD"
  cat requirements/*.txt pyproject.toml tools/install.sh | sha256sum
}

check_python() {
  if ! command -v "$python" >/dev/null; then
    say "no '$python' found. Install Python >= 3.10 (Debian, Ubuntu:" \
      "apt install python3 python3-venv) or name one with PYTHON=..."
    exit 1
  fi
  if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
    say "'$python' is $("$python" --version 2>&1); mmvis needs Python >= 3.10." \
      "Name a newer one with PYTHON=..."
    exit 1
  fi
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    say "'$python' cannot make virtual environments." \
      "Debian, Ubuntu: apt install python3-venv"
    exit 1
  fi
}

make_venv() {
  if "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    return
  fi
  check_python
  say "making ${venv##*/} with $("$python" --version 2>&1)"
  "$python" -m venv --clear "$venv"
}

pip_install() {
  # Without isolation onedl-mmcv would see torch and compile for minutes.
  env -u PIP_NO_BUILD_ISOLATION "$venv/bin/python" -m pip install \
    --quiet --disable-pip-version-check --no-input "$@" >&2
}

has_usable_torch() {
  "$venv/bin/python" - <<'PY' 2>/dev/null
import sys
from importlib.metadata import version

major, minor = version('torch').split('.')[:2]
sys.exit((int(major), int(minor)) < (2, 4))
PY
}

install_all() {
  local constraints="$venv/constraints.txt"
  cp requirements/constraints.txt "$constraints"
  if has_usable_torch; then
    say 'keeping the torch that is installed'
    sed -i '/^torch==/d' "$constraints"
  elif [[ -z "${PIP_EXTRA_INDEX_URL:-}" ]] && ! command -v nvidia-smi >/dev/null; then
    say 'no GPU seen: should pip fetch gigabytes of CUDA now, stop it and set' \
      'PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu'
  fi
  say 'installing the run-time packages (torch is the largest)'
  pip_install -c "$constraints" -r requirements/runtime.txt -r requirements/tests.txt
  say "installing the $stack stack"
  pip_install --no-deps -c "$constraints" -r "requirements/$stack.txt"
  # This folder on the path rather than `pip install --editable`, with which
  # MMEngine 0.10.7 does not find the configs of a package.
  local packages
  packages="$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
  echo "$PWD" >"$packages/mmvis-source.pth"
}

if [[ -x "$venv/bin/python" && "$(cat "$stamp" 2>/dev/null)" == "$(fingerprint)" ]]; then
  echo "$venv"
  exit 0
fi
started=$SECONDS
make_venv
rm -f "$stamp"
install_all
"$venv/bin/python" -c 'import mmvis, mmdet.datasets, mmdet.models' >/dev/null
fingerprint >"$stamp"
say "done in $((SECONDS - started)) s"
echo "$venv"
