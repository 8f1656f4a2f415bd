"""The original's side: one measurement in a fresh process of its own environment.

    python -m benchmarks.peer_magenta.theirs start|sample|encode|train|midi --checkpoint PATH …

``checkpoint`` writes the weights that both sides load. It runs without ghostnote.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peer_magenta.clock import report, timed

CONFIG = "groovae_4bar"
DENSITY = 0.13
"""Share of cells with a hit in GMD. Untrained weights would hit every other one."""


def checkpoint(options: argparse.Namespace) -> None:
    """Weights as the original initialises them, with its hits about as frequent as GMD's."""
    import tensorflow.compat.v1 as tf
    from magenta.models.music_vae import configs

    tf.disable_v2_behavior()
    config = configs.CONFIG_MAP[CONFIG]
    config.hparams.batch_size = 1
    depth = config.data_converter.output_depth
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(0)
        config.model.build(config.hparams, depth, is_training=False)
        config.model.encode(tf.zeros([1, 64, depth]), tf.constant([64]))
        config.model.sample(1, max_length=64, z=tf.zeros([1, config.hparams.z_size]))
        session.run(tf.global_variables_initializer())
        (bias,) = (v for v in tf.global_variables() if v.op.name.endswith("output_projection/bias"))
        logits = np.zeros(depth, np.float32)
        logits[: depth // 3] = np.log(DENSITY / (1 - DENSITY))
        bias.load(logits, session)
        tf.train.Saver().save(session, str(options.checkpoint), write_meta_graph=False)
    report()


def start(options: argparse.Namespace) -> None:
    x = windows(options)[:1]
    begin = time.perf_counter()
    import note_seq  # noqa: F401
    from magenta.models.music_vae import TrainedModel, configs  # noqa: F401

    imported = time.perf_counter()
    model = load(options, batch=1)
    model.encode_tensors(list(x), [len(each) for each in x])
    model.sample(1, length=64, temperature=1.0)
    report(imports=imported - begin, load=time.perf_counter() - imported)


def sample(options: argparse.Namespace) -> None:
    model = load(options, batch=options.n)
    report(**timed(lambda: model.sample(options.n, length=64, temperature=1.0), options.repeats))


def encode(options: argparse.Namespace) -> None:
    x = windows(options)[: options.n]
    model = load(options, batch=len(x))
    inputs, lengths = list(x), [len(each) for each in x]
    _, mu, sigma = model.encode_tensors(inputs, lengths)
    np.savez(options.data / "theirs.npz", mu=mu, sigma=sigma)
    report(**timed(lambda: model.encode_tensors(inputs, lengths), options.repeats))


def train(options: argparse.Namespace) -> None:
    """The graph of ``music_vae_train.py``, and its input pipeline from the cache on."""
    import tensorflow.compat.v1 as tf
    from magenta.models.music_vae import configs

    tf.disable_v2_behavior()
    config = configs.CONFIG_MAP[CONFIG]
    hparams, model = config.hparams, config.model
    hparams.batch_size = options.n
    x = windows(options)
    with tf.Graph().as_default():
        dataset = tf.data.Dataset.from_tensor_slices((x, np.full(len(x), x.shape[1], np.int32)))
        dataset = dataset.shuffle(10 * options.n).repeat().batch(options.n, drop_remainder=True)
        dataset = dataset.prefetch(tf.data.experimental.AUTOTUNE)
        batch, length = tf.data.make_one_shot_iterator(dataset).get_next()
        model.build(hparams, config.data_converter.output_depth, is_training=True)
        optimiser = model.train(batch, batch, length)
        gradients, variables = zip(*optimiser.compute_gradients(model.loss), strict=True)
        norm = tf.global_norm(gradients)
        clipped = tf.cond(
            norm < hparams.grad_norm_clip_to_zero,
            lambda: tf.clip_by_global_norm(gradients, hparams.grad_clip, use_norm=norm)[0],
            lambda: [tf.zeros(tf.shape(gradient)) for gradient in gradients],
        )
        step = optimiser.apply_gradients(
            list(zip(clipped, variables, strict=True)), global_step=model.global_step
        )
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            report(**timed(lambda: session.run([step, model.loss]), options.repeats))


def midi(options: argparse.Namespace) -> None:
    import note_seq
    from magenta.models.music_vae import configs

    converter = configs.CONFIG_MAP[CONFIG].data_converter
    converter.set_mode("train")
    files = sorted((options.data / "midi").glob("*.mid"))
    count = failed = 0
    begin = time.perf_counter()
    for file in files:
        try:
            tensors = converter.to_tensors(note_seq.midi_file_to_note_sequence(str(file)))
        except KeyError:  # a pitch that its drum map does not know
            failed += 1
        else:
            count += len(tensors.inputs)
    report(rate=len(files) / (time.perf_counter() - begin), windows=count, failed=failed)


def load(options: argparse.Namespace, *, batch: int) -> Any:
    """The model, for batches of `batch`: its graph has no other size."""
    import tensorflow.compat.v1 as tf
    from magenta.models.music_vae import TrainedModel, configs

    tf.disable_v2_behavior()
    return TrainedModel(configs.CONFIG_MAP[CONFIG], batch, str(options.checkpoint))


def windows(options: argparse.Namespace) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """The windows as its models take them: offsets count in half steps, and early is positive."""
    with np.load(options.data / "windows.npz") as file:
        velocity, offset = file["velocity"], file["offset"]
    return np.concatenate([velocity > 0, velocity / 127, -2 * offset], axis=-1, dtype=np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the original.")
    tasks = (checkpoint, start, sample, encode, train, midi)
    parser.add_argument("task", choices=[task.__name__ for task in tasks])
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--n", type=int, default=1, help="loops, windows, or the batch")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--precision", choices=("auto", "fp32"), help="float32 is all there is")
    options = parser.parse_args()
    {task.__name__: task for task in tasks}[options.task](options)


if __name__ == "__main__":
    main()
