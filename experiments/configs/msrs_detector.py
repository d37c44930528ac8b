"""A detector that learns from 240 pairs of 320x240 on a CPU: what inputs and fused images are compared with.

    python experiments/downstream.py --config=experiments/configs/msrs_detector.py:pretrain --data=DIR \\
        --inputs=ir,vi,average,max,laplacian --matched --seeds=0 --save=START.safetensors --out=DIR
    python experiments/downstream.py --config=experiments/configs/msrs_detector.py --data=DIR \\
        --inputs=ir,vi,average,max,laplacian,ours --workdir=RUN --init=START.safetensors --out=DIR

The first trains one detector on all inputs mixed, the second each input's own from there, with the same budget.
People of MSRS are 13 pixels at the median (the root of the box's area, at 320x240), 9 at the lower quartile: the finest
level must be fine.

Two cores of a server CPU shared with other work, 2026-11-22: 110 ms of CPU time an image. The first command took 18 min
of CPU time (30 min by the clock) for 9,600 images, 8 epochs of the 1,200 mixed ones, and reached on the 58 val pairs
(trained on 240, before there was a test), AP50 in per cent:

| input     | mean | person | bicycle | car  | mean by day | by night |
|-----------|------|--------|---------|------|-------------|----------|
| ir        | 30.8 | 63.0   | 2.6     | 26.8 | 30.7        | 32.4     |
| vi        | 16.8 | 8.7    | 10.2    | 31.3 | 25.1        | 6.8      |
| average   | 28.7 | 34.8   | 14.6    | 36.9 | 34.3        | 22.0     |
| max       | 24.2 | 30.7   | 13.6    | 28.3 | 25.8        | 20.6     |
| laplacian | 24.5 | 32.4   | 10.8    | 30.3 | 26.6        | 21.2     |

Sizes were chosen by 1,800 images of ir and average: with `stem_stride` 2 and this width people in ir reach 39.5, with 4
and twice the width and channels 23.7, in four fifths of the time. Batches of 2 with enlarged crops: mean AP50 17.6
instead of 18.0 on ir, 10.3 instead of 8.0 on average.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config

STAGES = {"pretrain": (2400, 2e-3), "rows": (600, 1e-3), "screen": (300, 1e-3)}  # steps of 4 images, learning rate


def get_config(stage: str = "rows") -> ConfigDict:
    """`stage` is what stands after the colon of --config=FILE.py:STAGE."""
    config = default_config()
    config.data.name = "folder"
    config.data.crop = (240, 320)
    config.data.scale = (1.0, 1.5)
    config.semantic.task = "detection"
    config.semantic.width = 16
    config.semantic.channels = 32
    config.semantic.head_convs = 1
    config.semantic.stem_stride = 2  # locations every 4 pixels
    steps, config.rows.learning_rate = STAGES[stage]
    config.rows.steps = steps
    config.rows.batch_size = 4
    config.rows.warm_up_steps = 50
    config.rows.boundaries = (int(0.6 * steps), int(0.8 * steps), int(0.93 * steps))
    config.rows.scales = (0.4, 0.15, 0.05)
    config.rows.clip_norm = 5.0
    return config
