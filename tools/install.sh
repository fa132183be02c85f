#!/usr/bin/env bash
# Create the virtual environment of mmvis if it is not up to date.
#
#   bash tools/install.sh                        # .venv, OneDL stack
#   MMVIS_STACK=openmmlab bash tools/install.sh  # .venv-openmmlab
#
# Progress goes to stderr; stdout is one line, the folder of the environment.
# No compiler and no libGL are needed. PYTHON names the interpreter (>= 3.10).
#
# PyTorch: a torch >= 2.4 that the environment already has is kept. Otherwise the
# default wheel is installed if there is a GPU, and the much smaller CPU wheel
# if there is none. TORCH_INDEX_URL sets another index, an empty one pip's own:
#   TORCH_INDEX_URL=https://download.pytorch.org/whl/cu126 bash tools/install.sh
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
cpu_index=https://download.pytorch.org/whl/cpu

say() { echo "[install] $*" >&2; }

# Requirements of the environment; if they change, it is installed again.
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

# On a terminal pip draws a bar for each download; a log gets one line for each.
pip_install() {
  # Without isolation onedl-mmcv would see torch and compile for minutes.
  local pip=(env -u PIP_NO_BUILD_ISOLATION "$venv/bin/python" -m pip install
    --disable-pip-version-check --no-input)
  if [[ -t 2 ]]; then
    "${pip[@]}" "$@" >&2
  else
    "${pip[@]}" "$@" | sed -n -u -E \
      's/^ *(Processing|Downloading|Installing|Successfully)/  \1/p' >&2
  fi
}

has_usable_torch() {
  "$venv/bin/python" - <<'PY' 2>/dev/null
import sys
from importlib.metadata import version

major, minor = version('torch').split('.')[:2]
sys.exit((int(major), int(minor)) < (2, 4))
PY
}

has_gpu() {
  nvidia-smi -L >/dev/null 2>&1 || [[ -e /dev/kfd ]] # NVIDIA or AMD
}

# The index of torch; empty for pip's own.
torch_index() {
  if [[ -n "${TORCH_INDEX_URL+set}" ]]; then
    echo "$TORCH_INDEX_URL"
  elif ! has_gpu; then
    echo "$cpu_index"
  fi
}

# Install torch from its index; what it depends on comes later with the rest.
install_torch() {
  local index
  index="$(torch_index)"
  if [[ -z "$index" ]]; then
    return
  fi
  if [[ "$index" == "$cpu_index" ]]; then
    say 'no GPU: installing the CPU wheel of torch'
  else
    say "installing torch from $index"
  fi
  if ! pip_install --no-deps -c "$1" --retries 1 --timeout 15 \
    --index-url "$index" torch; then
    if [[ -n "${TORCH_INDEX_URL:-}" ]]; then
      say "torch is not available at TORCH_INDEX_URL=$index. Check the address," \
        'or unset it to let this script choose.'
      exit 1
    fi
    say "$index cannot be reached: taking torch from pip's own index, whose wheel" \
      'may bring CUDA'
  fi
}

install_all() {
  local constraints="$venv/constraints.txt"
  cp requirements/constraints.txt "$constraints"
  if has_usable_torch; then
    say 'keeping the torch that is installed'
    sed -i '/^torch==/d' "$constraints"
  else
    install_torch "$constraints"
  fi
  say 'installing the run-time packages'
  pip_install -c "$constraints" -r requirements/runtime.txt -r requirements/tests.txt \
    -r requirements/small.txt
  say "installing the $stack stack"
  pip_install --no-deps -c "$constraints" -r "requirements/$stack.txt" \
    -r requirements/metrics.txt
  # This folder on the path rather than `pip install --editable`, with which
  # MMEngine 0.10.7 does not find the configs of a package.
  local packages
  packages="$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
  echo "$PWD" >"$packages/mmvis-source.pth"
  printf '#!%s\nfrom mmvis.commands import main\n\nmain()\n' "$venv/bin/python" \
    >"$venv/bin/mmvis"
  chmod +x "$venv/bin/mmvis"
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
