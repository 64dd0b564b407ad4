#!/bin/sh
# Train the shipped weights again: make weights DATA=folder [ENCODER_WEIGHTS=file] [RUNS=runs/weights]
# Most of what is to be learned is learned on small crops, at a fraction of the time.
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
# The Inpainter goes on with more holes a crop and the error's logarithm, which is what PSNR averages.
train --name inpaint-128 --stage inpaint --init "$RUNS/192" \
    --size 128 --batch-size 12 --epochs 6 --epoch-photos 7200 --learning-rate 1e-3 \
    --hole-weight 3 --log-error-weight 0.5 --ssim-weight 0.4 --max-holes 4 --max-area 0.35 --wear 0.15 --damage-weight 0.5
train --name inpaint-192 --stage inpaint --init "$RUNS/inpaint-128/folds/0" \
    --size 192 --batch-size 12 --epochs 4 --epoch-photos 3000 --learning-rate 4e-4 \
    --hole-weight 3 --log-error-weight 0.5 --ssim-weight 0.4 --max-holes 4 --max-area 0.35 --wear 0.15 --damage-weight 0.5
# What fills holes errs least, with the metrics themselves in the loss; texture is no network's work.
train --name inpaint-psnr --stage inpaint --init "$RUNS/inpaint-192/folds/0" \
    --size 160 --batch-size 12 --epochs 16 --epoch-photos 3000 --learning-rate 7e-4 --warmup 0.04 --min-scale 0.625 \
    --hole-weight 3 --log-error-weight 1 --ssim-weight 1 --max-holes 4 --max-area 0.35 --wear 0.15 --hint-dropout 0.3 --damage-weight 0.5
train --name inpaint-psnr-2 --stage inpaint --init "$RUNS/inpaint-psnr/folds/0" \
    --size 160 --batch-size 12 --epochs 11 --epoch-photos 3400 --learning-rate 7e-4 --warmup 0.04 --min-scale 0.625 \
    --hole-weight 3 --log-error-weight 1 --ssim-weight 1.5 --max-holes 4 --max-area 0.35 --wear 0.2 --hint-dropout 0.3 --damage-weight 0.5
train --name inpaint-psnr-3 --stage inpaint --init "$RUNS/inpaint-psnr-2/folds/0" \
    --size 160 --batch-size 12 --epochs 2 --epoch-photos 3000 --learning-rate 2.5e-4 --warmup 0.04 --min-scale 0.625 \
    --hole-weight 3 --log-error-weight 1 --ssim-weight 1.5 --max-holes 4 --max-area 0.35 --wear 0.2 --hint-dropout 0.3 --damage-weight 0.5
# What finds wear began as a fill that looks true, to a discriminator that sees with an ImageNet encoder.
train --name inpaint-gan --stage inpaint --init "$RUNS/inpaint-192/folds/0" --encoder-weights "$ENCODER_WEIGHTS" \
    --size 128 --batch-size 12 --epochs 8 --epoch-photos 2880 --learning-rate 5e-4 --warmup 0.05 --max-area 0.25 \
    --discriminator projected --discriminator-channels 64 --discriminator-learning-rate 1e-3 --gan-start 0 \
    --inpaint-gan-weight 0.2 --inpaint-feature-weight 0.5 --hole-weight 1 --ssim-weight 0 --wear 0.15 --hint-dropout 0.3 --damage-weight 0.3
"$PYTHON" scripts/weights/last.py "$RUNS/inpaint-gan/folds/0/inpaint" "$RUNS/inpaint-gan/last/inpaint"
train --name inpaint-gan-2 --stage inpaint --init "$RUNS/inpaint-gan/last" --encoder-weights "$ENCODER_WEIGHTS" \
    --size 128 --batch-size 12 --epochs 7 --epoch-photos 2880 --learning-rate 5e-4 --warmup 0.05 --max-area 0.25 \
    --discriminator projected --discriminator-channels 64 --discriminator-learning-rate 1e-3 --gan-start 0 \
    --inpaint-gan-weight 0.2 --inpaint-feature-weight 0.5 --hole-weight 1 --ssim-weight 0 --wear 0.3 --hint-dropout 0.45 --damage-weight 1
"$PYTHON" scripts/weights/last.py "$RUNS/inpaint-gan-2/folds/0/inpaint" "$RUNS/inpaint-gan-2/last/inpaint"
train --name inpaint-gan-3 --stage inpaint --init "$RUNS/inpaint-gan-2/last" --encoder-weights "$ENCODER_WEIGHTS" \
    --size 128 --batch-size 12 --epochs 7 --epoch-photos 2880 --learning-rate 5e-4 --warmup 0.05 --max-area 0.25 \
    --discriminator projected --discriminator-channels 64 --discriminator-learning-rate 1e-3 --gan-start 0 \
    --inpaint-gan-weight 0.2 --inpaint-feature-weight 0.5 --hole-weight 1 --ssim-weight 0 --wear 0.4 --hint-dropout 0.5 --damage-weight 2
# The detector is the same network, which no longer has to fill.
"$PYTHON" scripts/weights/last.py "$RUNS/inpaint-gan-3/folds/0/inpaint" "$RUNS/inpaint-gan-3/last/inpaint"
train --name detect --stage inpaint --init "$RUNS/inpaint-gan-3/last" \
    --size 160 --batch-size 12 --epochs 3 --epoch-photos 3128 --learning-rate 7e-4 --warmup 0.05 --max-area 0.2 --min-scale 0.6 \
    --wear 0.6 --hint-dropout 1 --damage-weight 1 --hole-weight 0 --known-weight 0 --ssim-weight 0
"$PYTHON" scripts/weights/last.py "$RUNS/detect/folds/0/inpaint" "$RUNS/detect/last/inpaint"
train --name detect-2 --stage inpaint --init "$RUNS/detect/last" \
    --size 192 --batch-size 10 --epochs 6 --epoch-photos 2500 --learning-rate 5e-4 --warmup 0.03 --max-area 0.45 --min-scale 0.7 \
    --wear 0.5 --hint-dropout 1 --damage-weight 1 --hole-weight 0 --known-weight 0 --ssim-weight 0
# The Colorizer sees more photos, most of each.
train --name color-128 --stage color --init "$RUNS/192" \
    --size 128 --batch-size 16 --epochs 9 --epoch-photos 6000 --learning-rate 8e-4 --min-scale 0.6

"$PYTHON" scripts/weights/last.py "$RUNS/inpaint-psnr-3/folds/0/inpaint" weights/inpaint
"$PYTHON" scripts/weights/last.py "$RUNS/detect-2/folds/0/inpaint" weights/detect
"$PYTHON" scripts/weights/mix.py "$RUNS/192/color" "$RUNS/color-128/folds/0/color" 0.35 weights/color
"$PYTHON" -m restoration export weights --weights weights  # the graphs that run fast on a CPU
