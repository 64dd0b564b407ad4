#!/bin/sh
# Train the shipped weights again: make weights DATA=folder [ENCODER_WEIGHTS=file] [RUNS=runs/weights]
# Two sizes a stage: most of what is to be learned is learned on small crops, at a fraction of the time.
# The same call goes on where a stopped one was.
set -eu
: "${DATA:?name the folder of photos or tar shards: make weights DATA=folder}"
PYTHON=${PYTHON:-python3} RUNS=${RUNS:-runs/weights} ENCODER_WEIGHTS=${ENCODER_WEIGHTS:-imagenet}

train() {
    "$PYTHON" train.py --runs "$RUNS" --data "$DATA" --exclude benchmarks/heldout.tsv --folds 1 \
        --encoder tu-tf_efficientnet_lite2 --luma-mean 0.5 --luma-std 0.5 \
        --cycles 1 --inpaint-gan-weight 0 --color-gan-weight 0 "$@"
}
train --name 128 --encoder-weights "$ENCODER_WEIGHTS" \
    --size 128 --batch-size 16 --epochs 6 --epoch-photos 4000 --learning-rate 1e-3 --warmup 0.05
train --name 192 --init "$RUNS/128" \
    --size 192 --batch-size 12 --epochs 6 --epoch-photos 3600 --learning-rate 5e-4 \
    --min-scale 0.75 --max-area 0.15 --hint-dropout 0.3 --damage-weight 0.5
for stage in inpaint color; do
    cp "$RUNS/192/$stage/config.json" "$RUNS/192/$stage/model.safetensors" "weights/$stage/"
done
