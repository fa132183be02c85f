#!/usr/bin/env bash
# Test in several processes, each on other videos: one process per GPU, or N
# processes on the CPU (gloo) where there is no GPU.
#
#   tools/dist_test.sh CONFIG CHECKPOINT GPUS [options of tools/test.py]
#   tools/dist_test.sh configs/ifc_r50.py ifc_r50.pth 8 --out results.json
#
# Several machines: on each, with the same MASTER_ADDR (that of node 0) and PORT,
#   NNODES=2 NODE_RANK=0 MASTER_ADDR=10.1.1.1 tools/dist_test.sh CONFIG CHECKPOINT 8
set -euo pipefail

if [[ $# -lt 3 ]]; then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 2
fi
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
config=$1
checkpoint=$2
gpus=$3

PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" \
exec "${PYTHON:-python}" -m torch.distributed.run \
  --nnodes="${NNODES:-1}" \
  --node_rank="${NODE_RANK:-0}" \
  --master_addr="${MASTER_ADDR:-127.0.0.1}" \
  --master_port="${PORT:-29500}" \
  --nproc_per_node="$gpus" \
  "$root/tools/test.py" "$config" "$checkpoint" --launcher pytorch "${@:4}"
