#!/usr/bin/env bash
# Train in several processes: one per GPU, or N processes on the CPU (gloo) where
# there is no GPU.
#
#   tools/dist_train.sh CONFIG GPUS [options of tools/train.py]
#   tools/dist_train.sh configs/ifc_r50.py 8
#   tools/dist_train.sh configs/ifc_r50.py 8 --work-dir out --resume
#
# Several machines: on each, with the same MASTER_ADDR (that of node 0) and PORT,
#   NNODES=2 NODE_RANK=0 MASTER_ADDR=10.1.1.1 tools/dist_train.sh CONFIG 8
set -euo pipefail

if [[ $# -lt 2 ]]; then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 2
fi
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
config=$1
gpus=$2

PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" \
exec "${PYTHON:-python}" -m torch.distributed.run \
  --nnodes="${NNODES:-1}" \
  --node_rank="${NODE_RANK:-0}" \
  --master_addr="${MASTER_ADDR:-127.0.0.1}" \
  --master_port="${PORT:-29500}" \
  --nproc_per_node="$gpus" \
  "$root/tools/train.py" "$config" --launcher pytorch "${@:3}"
