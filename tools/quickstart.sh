#!/usr/bin/env bash
# Quickstart on a new machine, on the CPU, in some minutes: install, generate the
# synthetic data set ShapesVIS, train a small IFC on it, run it near-online on held-out
# videos, print AP, write submission and overlays.
#
#   bash tools/quickstart.sh
#
# Running it again resumes: it keeps the environment and the data set, and resumes the
# training from its last checkpoint. Outputs are in work_dirs/quickstart; remove that
# folder to start over.
set -euo pipefail

if (($# > 0)); then
  echo "The quickstart takes no argument, got '$1': its model knows shapes only. For your" \
    'own video: mmvis predict VIDEO --model tevit_msgshift (downloads 0.65 GB), or' \
    'train on your own labels, docs/own_data.md.' >&2
  exit 2
fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."

name=ifc_small_shapes
config="configs/$name.py"
data=data/shapes_vis
out=work_dirs/quickstart
cores="$(nproc)"
# The batch sizes of the configs are for two processes.
procs=$((cores > 1 ? 2 : 1))

step() { printf '\n== %s (after %d s)\n' "$*" "$SECONDS"; }

step 'installing'
venv="$(bash tools/install.sh)"
python="$venv/bin/python"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$cores}"

step "generating ShapesVIS in $data"
"$python" tools/dataset_converters/make_shapes_vis.py "$data" --size small \
  --workers "$cores"

# One process a core, one thread each: faster here than threads of one process.
train() {
  PYTHON="$python" OMP_NUM_THREADS=1 PORT="${PORT:-29511}" \
    bash tools/dist_train.sh "$@" --resume
}

step 'training the backbone of the small IFC on single frames'
train "configs/${name}_backbone.py" "$procs" --work-dir "$out/backbone"
backbone="$(cat "$out/backbone/last_checkpoint")"

# Its validation at the end is left to the test that follows.
step 'training the small IFC on clips'
train "$config" "$procs" --work-dir "$out" \
  --cfg-options model.backbone.init_cfg.checkpoint="$backbone" \
  model.auxiliary_head.init_cfg.checkpoint="$backbone" \
  val_cfg=None val_dataloader=None val_evaluator=None
checkpoint="$(cat "$out/last_checkpoint")"

step 'testing it near-online on held-out videos'
"$python" tools/test.py "$config" "$checkpoint" --work-dir "$out/test" \
  --out "$out/results.json" --show-dir "$out/overlays"

step 'AP on the held-out videos'
"$python" tools/evaluate.py "$data/valid.json" "$out/results.json" \
  --out "$out/metrics.json"

step 'done'
cat <<EOF
data set      $PWD/$data
checkpoint    $checkpoint
AP            $PWD/$out/metrics.json
results       $PWD/$out/results.json
to submit     $PWD/$out/results.submission_file.zip
overlays      $PWD/$out/overlays (an mp4 and a strip of frames as png per video)

This model knows shapes. For your own videos:
  mmvis predict VIDEO --model tevit_msgshift   published weights, 40 classes, 0.65 GB
  docs/own_data.md                             a small model for your own classes
EOF
