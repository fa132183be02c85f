#!/usr/bin/env bash
# Train on a Slurm cluster.
#
#   tools/slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [options of tools/train.py]
#   GPUS=16 tools/slurm_train.sh gpu ifc configs/ifc_r50.py work_dirs/ifc_r50 --amp
#
# GPUS (8) in all, GPUS_PER_NODE (8), CPUS_PER_TASK (5), SRUN_ARGS: as in MMDetection.
set -euo pipefail

if [[ $# -lt 4 ]]; then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 2
fi
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
gpus_per_node="${GPUS_PER_NODE:-8}"

# SRUN_ARGS holds several words.
# shellcheck disable=SC2086
PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" \
exec srun -p "$1" \
  --job-name="$2" \
  --gres="gpu:$gpus_per_node" \
  --ntasks="${GPUS:-8}" \
  --ntasks-per-node="$gpus_per_node" \
  --cpus-per-task="${CPUS_PER_TASK:-5}" \
  --kill-on-bad-exit=1 \
  ${SRUN_ARGS:-} \
  "${PYTHON:-python}" -u "$root/tools/train.py" "$3" \
  --work-dir="$4" --launcher=slurm "${@:5}"
