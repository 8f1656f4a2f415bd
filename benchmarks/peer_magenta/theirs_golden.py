"""The original's side of `golden`: one set of golden vectors, in its own environment.

    python -m benchmarks.peer_magenta.theirs_golden NAME FOLDER [--seed 0]

Losses, learning rates and samples are those of the original's own functions. What it draws at
random is given instead: weights, windows and noise come from the seed. It runs without ghostnote.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Table = dict[str, Any]
"""A class of the original and what an instance is made with, as `configs.json` has them."""

UNITS, INNER, Z = 32, 24, 16
"""Sizes of a shrunk model: units of a layer, those of the NADE and of an LSTM that reads controls,
and numbers of z.
"""
STEPS = 5
"""Of training."""
GRADIENTS = 2
"""The steps whose gradients are kept, whole."""
TRIES, CLEAR = 8, 1e-4
"""How many z are tried for a decode of which no decision is closer to its flip than `CLEAR`: a port
may err by less.
"""
TEMPERATURE = 1e-6
"""At which a sample is the most likely one."""
ENDING = 1.0
"""Added to the logit of the symbol that ends a segment, so that it is met in a decode."""


def _class(name: str, **arguments: Any) -> Table:
    return {"class": name, "all_args": arguments} if arguments else {"class": name}


def _hierarchical(core: str, **arguments: Any) -> Table:
    """A decoder of 4 segments of 16 steps, with a conductor that hears what was decoded."""
    return _class(
        "HierarchicalLstmDecoder", core_decoder=_class(core), level_lengths=[4, 16], **arguments
    )


_FLAT = _class("BidirectionalLstmEncoder")
_BY_SEGMENT = _class(
    "HierarchicalLstmEncoder",
    core_encoder_cls="class BidirectionalLstmEncoder",
    level_lengths=[16, 4],
)


class Extra(NamedTuple):
    """A model that no configuration has. `segments` and `end` are those of `Model`."""

    encoder: Table
    decoder: Table
    steps: int
    depth: int
    controls: int = 0
    segments: int = 0
    end: int | None = None


EXTRAS = {
    "autoregressive": Extra(
        _BY_SEGMENT, _hierarchical("CategoricalLstmDecoder"), 64, 40, segments=4, end=39
    ),
    "autoregressive-controls": Extra(_FLAT, _hierarchical("GrooveLstmDecoder"), 64, 27, controls=9),
    "re-encoding": Extra(
        _BY_SEGMENT,
        _hierarchical("CategoricalLstmDecoder", hierarchical_encoder=_BY_SEGMENT),
        64,
        40,
        segments=4,
        end=39,
    ),
    "control-preprocessing": Extra(
        _FLAT,
        _class(
            "BidirectionalLstmControlPreprocessingDecoder",
            core_decoder=_class("GrooveLstmDecoder"),
        ),
        32,
        27,
        controls=9,
    ),
    "boolean": Extra(_FLAT, _class("BooleanLstmDecoder"), 32, 1),
}
"""Models with the original's other decoders, by names of ours."""


class Model(NamedTuple):
    """A model of the original, shrunk, and what it takes.

    Attributes:
        vae: the `MusicVAE`.
        hparams: all of its hyper-parameters.
        seen: numbers of a step that the encoder sees.
        depth: numbers of a step that the decoder gives.
        controls: numbers of a step that both are told.
        segments: how many have a length of their own; 0 where only windows have one.
        end: the symbol that ends a segment.
        about: what `meta.json` says of it besides.
    """

    vae: Any
    hparams: Table
    seen: int
    depth: int
    controls: int
    segments: int
    end: int | None
    about: Table

    @property
    def batch(self) -> int:
        """Windows of a batch; the original's graph has no other size."""
        return int(self.hparams["batch_size"])

    @property
    def steps(self) -> int:
        """Steps of a window."""
        return int(self.hparams["max_seq_len"])

    @property
    def core(self) -> Any:
        """The decoder that gives the steps, without those around it."""
        core = self.vae.decoder
        while hasattr(core, "_core_decoder"):
            core = core._core_decoder
        return core

    @property
    def kind(self) -> str:
        """The class of the core decoder."""
        return type(self.core).__name__

    @property
    def alphabets(self) -> Sequence[int]:
        """The sizes of the symbols of a step, for decoders of symbols."""
        return getattr(self.core, "_output_depths", [self.depth])

    @property
    def hierarchical(self) -> bool:
        """Whether its encoder or its decoder has a level above the steps."""
        parts = self.vae.encoder, self.vae.decoder
        return any(type(part).__name__.startswith("Hierarchical") for part in parts)


def model_of(name: str) -> Model:
    """The shrunk model of a configuration of the original, or of `EXTRAS`."""
    from magenta.models.music_vae import MusicVAE, configs, lstm_models

    if name in EXTRAS:
        extra = EXTRAS[name]
        encoder = _made(extra.encoder)
        vae = MusicVAE(encoder, _made(extra.decoder, encoder))
        hparams = lstm_models.get_default_hparams().values()
        hparams |= {"max_seq_len": extra.steps, "dec_rnn_size": [0, 0]}
        sizes = extra.depth, extra.depth, extra.controls, extra.segments, extra.end
        about = {"encoder": extra.encoder, "decoder": extra.decoder}
    else:
        config = configs.CONFIG_MAP[name]
        vae, hparams, converter = config.model, config.hparams.values(), config.data_converter
        sizes = (
            converter.input_depth,
            converter.output_depth,
            converter.control_depth,
            sum(converter.length_shape),
            converter.end_token or None,  # False where there is none, or None
        )
        about = {}
    hparams |= {
        "batch_size": 3 if hparams["max_seq_len"] > 100 else 4,
        "z_size": Z,
        "enc_rnn_size": [UNITS for _ in hparams["enc_rnn_size"]],
        "dec_rnn_size": [UNITS for _ in hparams["dec_rnn_size"]],
        "control_preprocessing_rnn_size": [INNER],
        "dropout_keep_prob": 1.0,
        "sampling_schedule": "constant",
        "sampling_rate": 0.0,
    }
    if "nade_num_hidden" in hparams:
        hparams["nade_num_hidden"] = INNER
    return Model(vae, hparams, *sizes, about=about)


def _made(table: Table, encoder: Any = None) -> Any:
    """An instance of a class; a decoder that encodes anew does so with the `encoder` itself."""
    from magenta.models.music_vae import lstm_models

    arguments = dict(table.get("all_args", {}))
    if "core_decoder" in arguments:
        arguments["core_decoder"] = _made(arguments["core_decoder"])
    if "core_encoder_cls" in arguments:
        core = arguments["core_encoder_cls"].removeprefix("class ")
        arguments["core_encoder_cls"] = getattr(lstm_models, core)
    if "hierarchical_encoder" in arguments:
        arguments["hierarchical_encoder"] = encoder
    return getattr(lstm_models, table["class"])(**arguments)


# -- what it is given ----------------------------------------------------------------------


class Given(NamedTuple):
    """Windows and noise: `inputs` and `outputs` `[B, T, ...]`, lengths `[B]` or `[B, segments]`,
    those of `shorter` for the vectors of windows that end early, and `controls` `[B, T, K]`.
    """

    inputs: Array
    outputs: Array
    lengths: Array
    shorter: Array
    controls: Array | None
    eps: Array
    train_eps: Array


def given(model: Model, rng: np.random.Generator) -> Given:
    """Windows and noise for a model."""
    lengths, shorter = _lengths(model, rng)
    inputs, outputs = _windows(model, rng)
    if model.end is not None:
        inputs = outputs = _ended(outputs, lengths, model.end)
    controls = None
    if model.controls:
        told = rng.random((model.batch, model.steps, model.controls)) < 0.2
        controls = told.astype(np.float32)
    eps, train_eps = _normal(rng, model.batch, Z), _normal(rng, STEPS, model.batch, Z)
    return Given(inputs, outputs, lengths, shorter, controls, eps, train_eps)


def _normal(rng: np.random.Generator, *shape: int) -> Array:
    return rng.standard_normal(shape).astype(np.float32)


def _windows(model: Model, rng: np.random.Generator) -> tuple[Array, Array]:
    """What the encoder sees and what the decoder has to give, as the core decoder takes it."""
    shape = model.batch, model.steps
    if model.kind == "GrooveLstmDecoder":
        return _groove(rng, *shape, model.seen // 3), _groove(rng, *shape, model.depth // 3)
    if model.kind == "BooleanLstmDecoder":
        hits = (rng.random((*shape, model.depth)) < 0.4).astype(np.float32)
        return hits, hits
    if model.seen != model.depth:  # of drums, hits and whether there are none
        hits = (rng.random((*shape, model.seen - 1)) < 0.15).astype(np.float32)
        inputs = np.concatenate([hits, 1 - hits.max(-1, keepdims=True)], -1)
        if model.kind == "MultiLabelRnnNadeDecoder":
            return inputs, hits
        symbols = (hits @ 2 ** np.arange(model.seen - 1)).astype(int)
        return inputs, np.eye(model.depth, dtype=np.float32)[symbols]
    last = 0 if model.end is None else 1  # that one only ends segments
    outputs = np.concatenate(
        [np.eye(n, dtype=np.float32)[rng.integers(0, n - last, shape)] for n in model.alphabets],
        -1,
    )
    return outputs, outputs


def _groove(rng: np.random.Generator, *shape: int) -> Array:
    """Hits, velocities from 0 to 1 and offsets from -1 to 1."""
    hits = (rng.random(shape) < 0.2).astype(np.float32)
    velocities, offsets = rng.random((2, *shape), np.float32)
    return np.concatenate([hits, hits * velocities, hits * (2 * offsets - 1)], -1)


def _lengths(model: Model, rng: np.random.Generator) -> tuple[Array, Array]:
    """Lengths, and shorter ones. Some are 0.

    Windows are whole at first; segments of a model that has lengths of them are not. Under a
    hierarchy without such lengths, a window can only be whole or empty.
    """
    if model.segments:
        longest = model.steps // model.segments
        lengths = rng.integers(0, longest + 1, (model.batch, model.segments), np.int32)
        lengths[0, 2] = 0
        lengths[:, -1] = np.minimum(lengths[:, -1], longest - 5)  # no window has the last steps
        shorter = lengths // 2
        shorter[:, 1] = 0
        return lengths, shorter
    lengths = np.full(model.batch, model.steps, np.int32)
    if model.hierarchical:
        shorter = lengths.copy()
    else:
        shorter = rng.integers(1, model.steps, model.batch, np.int32)
    shorter[-1] = 0
    return lengths, shorter


def _ended(symbols: Array, lengths: Array, end: int) -> Array:
    """Symbols `[B, T, N]` with `end` as the last of every segment, and zeros after it."""
    batch, segments = lengths.shape
    parts = symbols.reshape(batch, segments, -1, symbols.shape[-1]).copy()
    steps = np.arange(parts.shape[2])
    parts[steps == lengths[..., None] - 1] = np.eye(symbols.shape[-1])[end]
    parts[steps >= lengths[..., None]] = 0
    return parts.reshape(symbols.shape)


def weights(shapes: Mapping[str, Sequence[int]], end: int | None, seed: int) -> dict[str, Any]:
    """Variables that make every bias, and μ and σ, matter, which those of a first step do not."""
    rng = np.random.default_rng([seed, 1])
    made = {}
    for name, shape in shapes.items():
        gain = 1.1 / np.sqrt(shape[0])
        if name.endswith("bias"):
            gain = 0.1
        elif "nade" in name:
            gain = 0.5
        elif name.endswith(("output_projection/kernel", "initial_state/kernel")):
            gain *= 3  # for clear decisions, and for windows that differ
        made[name] = (gain * rng.standard_normal(shape)).astype(np.float32)
        if end is not None and name.endswith("output_projection/bias"):
            made[name][end] += ENDING
    return made


# -- what comes of it ----------------------------------------------------------------------


class Graph(NamedTuple):
    """Placeholders and what is computed from them, by the names of the arrays of a set."""

    fed: Mapping[str, Any]
    evaluated: Mapping[str, Any]
    decoded: Mapping[str, Any]
    sampled: Mapping[str, Any]
    trained: Mapping[str, Any]
    train: Any
    variables: Mapping[str, Any]


def graph(model: Model) -> Graph:
    """The original's graph, with its noise and its free bits fed to it."""
    import tensorflow.compat.v1 as tf
    from magenta.contrib.training import HParams

    vae, batch, steps = model.vae, model.batch, model.steps
    fed = {
        "inputs": tf.placeholder(tf.float32, [batch, steps, model.seen]),
        "outputs": tf.placeholder(tf.float32, [batch, steps, model.depth]),
        "lengths": tf.placeholder(tf.int32, [batch, model.segments] if model.segments else [batch]),
        "eps": tf.placeholder(tf.float32, [batch, Z]),
        "z_fixed": tf.placeholder(tf.float32, [batch, Z]),
        "free_bits": tf.placeholder(tf.float32, []),
    }
    if model.controls:
        fed["controls"] = tf.placeholder(tf.float32, [batch, steps, model.controls])
    controls = fed.get("controls")
    hparams = HParams(**model.hparams)
    hparams.free_bits = fed["free_bits"]
    vae.build(hparams, model.depth, is_training=True)

    def noise_given(posterior: Any) -> Any:
        z = posterior.loc + posterior.scale.diag * fed["eps"]
        posterior.sample = lambda: z
        return posterior

    summaries = _watch(vae.encoder, "encode")
    posteriors = _watch(vae, "encode", noise_given)
    reconstructions = _watch(vae.decoder, "reconstruction_loss")
    losses = _watch(vae, "_compute_model_loss")
    optimiser = vae.train(fed["inputs"], fed["outputs"], fed["lengths"], controls)
    posterior, (r_loss, _, followed), (_, terms) = posteriors[0], reconstructions[0], losses[0]
    evaluated = {
        "encoder_output": summaries[0],
        "mu": posterior.loc,
        "sigma": posterior.scale.diag,
        "z": posterior.sample(),
        "loss": vae.loss,
        "r_loss": r_loss,
        "kl_cost": terms["losses/kl_loss"],
        "kl_bits": terms["losses/kl_bits"],
        "beta": terms["losses/kl_beta"],
        "rnn_output": followed.rnn_output,
    }
    with tf.variable_scope(tf.get_variable_scope(), reuse=True):
        previous = tf.pad(fed["outputs"][:, :-1], [(0, 0), (1, 0), (0, 0)])
        r_loss, _, followed = vae.decoder.reconstruction_loss(
            previous, fed["outputs"], fed["lengths"], fed["z_fixed"], controls
        )
        samples, unrolled = vae.sample(
            batch,
            max_length=tf.constant(steps),
            z=fed["z_fixed"],
            c_input=None if controls is None else controls[0],
            temperature=TEMPERATURE,
            # With controls as well, the original cannot build that graph.
            **({} if model.end is None or model.controls else {"end_fn": model.end}),
        )
    variables = tf.trainable_variables()
    gradients = [
        tf.zeros_like(variable) if gradient is None else gradient
        for gradient, variable in optimiser.compute_gradients(vae.loss, variables)
    ]
    norm = tf.global_norm(gradients)
    clipped = tf.cond(
        norm < hparams.grad_norm_clip_to_zero,
        lambda: tf.clip_by_global_norm(gradients, hparams.grad_clip, use_norm=norm)[0],
        lambda: [tf.zeros(tf.shape(gradient)) for gradient in gradients],
    )
    return Graph(
        fed=fed,
        evaluated=evaluated,
        decoded={
            "rnn_output": followed.rnn_output,
            "rnn_input": followed.rnn_input,
            "r_loss": r_loss,
            "final_state": tf.concat(tf.nest.flatten(followed.final_state), -1),
        },
        sampled={
            "samples": samples,
            "rnn_output": unrolled.rnn_output,
            "final_state": tf.concat(tf.nest.flatten(unrolled.final_state), -1),
        },
        trained={
            "loss": vae.loss,
            "lr": optimiser._lr,
            "beta": terms["losses/kl_beta"],
            "global_norm": norm,
            "r_loss_mean": tf.reduce_mean(evaluated["r_loss"]),
            "kl_cost_mean": tf.reduce_mean(evaluated["kl_cost"]),
            "grads": gradients,
        },
        train=optimiser.apply_gradients(
            list(zip(clipped, variables, strict=True)), global_step=vae.global_step
        ),
        variables={variable.op.name: variable for variable in variables},
    )


def _watch(owner: Any, name: str, change: Callable[[Any], Any] = lambda made: made) -> list[Any]:
    """A list to which a method of `owner` adds what it returns, from now on, after `change`."""
    method, returned = getattr(owner, name), []

    def watched(*arguments: Any, **options: Any) -> Any:
        returned.append(change(method(*arguments, **options)))
        return returned[-1]

    setattr(owner, name, watched)
    return returned


def clearness(model: Model, logits: Array) -> float:
    """How far the closest decision of a decode is from its flip; that of a NADE is not told."""
    if model.kind == "MultiLabelRnnNadeDecoder":
        return np.inf
    if model.kind == "GrooveLstmDecoder":
        return float(np.abs(logits[..., : model.depth // 3]).min())
    if model.kind == "BooleanLstmDecoder":
        return float(np.abs(logits).min())
    parts = np.split(logits, np.cumsum(model.alphabets)[:-1], -1)
    return min(float(np.diff(np.sort(part, -1)[..., -2:], axis=-1).min()) for part in parts)


def vectors(
    model: Model, session: Any, graph: Graph, given: Given, rng: np.random.Generator
) -> tuple[dict[str, Any], Table]:
    """All arrays of a set, by name, and what was chosen for `meta.json`.

    The session is left with the weights after training.
    """
    fed = graph.fed
    base = {name: value for name, value in given._asdict().items() if name in fed}
    feed = {fed[name]: value for name, value in base.items() if value is not None}
    feed[fed["free_bits"]] = 0.0
    # About half of the windows are past their free bits.
    bits = session.run(graph.evaluated["kl_bits"], feed)
    free = feed[fed["free_bits"]] = float(np.round(np.median(bits) * 0.9, 2))
    for _ in range(TRIES):
        feed[fed["z_fixed"]] = _normal(rng, model.batch, Z)
        sampled = session.run(graph.sampled, feed)
        if (clear := clearness(model, sampled["rnn_output"])) > CLEAR:
            break

    arrays = {fed_as: feed[fed[fed_as]] for fed_as in fed if fed_as != "free_bits"}
    arrays |= {"train/eps": given.train_eps, "varlen/lengths": given.shorter}

    def add(prefix: str, found: Mapping[str, Array]) -> None:
        arrays.update({f"{prefix}/{name}": value for name, value in found.items()})

    add("sample", sampled)
    add("eval", session.run(graph.evaluated, feed))
    add("zfix", session.run(graph.decoded, feed))
    add("varlen", session.run(graph.evaluated, {**feed, fed["lengths"]: given.shorter}))
    model.vae.global_step.load(1000, session)
    later = ("beta", "loss", "kl_cost")
    add("eval1000", session.run({name: graph.evaluated[name] for name in later}, feed))
    model.vae.global_step.load(0, session)
    add("train", dict(_training(session, graph, feed, given.train_eps)))
    margin = clear if np.isfinite(clear) else None  # JSON has no infinity
    return arrays, {"free_bits_used": free, "sampling_decision_margin": margin}


def _training(
    session: Any, graph: Graph, feed: Mapping[Any, Any], noise: Array
) -> Iterator[tuple[str, Array]]:
    """What each step of training has, the first gradients, and the variables after the last."""
    steps = []
    for count, eps in enumerate(noise):
        found, _ = session.run([graph.trained, graph.train], {**feed, graph.fed["eps"]: eps})
        grads = dict(zip(graph.variables, found.pop("grads"), strict=True))
        found["grad_norms"] = np.array([np.linalg.norm(grad) for grad in grads.values()])
        steps.append(found)
        if count < GRADIENTS:
            yield from ((f"grad_step{count}/{name}", grad) for name, grad in grads.items())
    yield from ((name, np.array([step[name] for step in steps])) for name in steps[0])
    for name, value in session.run(dict(graph.variables)).items():
        yield f"after{len(noise)}/{name}", value


def write(name: str, folder: Path, seed: int) -> None:
    """Make the set of that name in `folder`: `golden.npz`, `weights.npz`, a checkpoint of the
    weights, and `meta.json`.
    """
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    folder.mkdir(parents=True, exist_ok=True)
    model, rng = model_of(name), np.random.default_rng(seed)
    alone = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    with tf.Graph().as_default(), tf.Session(config=alone) as session:
        # A split decoder insists on `max_seq_len` steps, which a segment below a conductor has not.
        with mock.patch.object(tf, "assert_equal", return_value=tf.no_op()):
            built = graph(model)
        session.run(tf.global_variables_initializer())
        shapes = {name: variable.shape.as_list() for name, variable in built.variables.items()}
        values = weights(shapes, model.end, seed)
        for variable, value in zip(built.variables.values(), values.values(), strict=True):
            variable.load(value, session)
        saved = [*built.variables.values(), model.vae.global_step]
        saver = tf.train.Saver(saved, save_relative_paths=True)
        saver.save(session, str(folder / "model.ckpt"), write_meta_graph=False)
        arrays, chosen = vectors(model, session, built, given(model, rng), rng)
    np.savez(folder / "weights.npz", global_step=np.int64(0), **values)
    np.savez_compressed(folder / "golden.npz", **arrays)
    meta = {
        "config": name,
        "variant": "small",
        "N": model.batch,
        "seed": seed,
        **model.about,
        "hparams": {**model.hparams, "free_bits": chosen["free_bits_used"]},
        "trainable_variables": list(values),
        **chosen,
        "tf": tf.__version__,
    }
    (folder / "meta.json").write_text(json.dumps(meta, indent=1) + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes golden vectors of the original.")
    parser.add_argument("name")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write(options.name, options.folder, options.seed)


if __name__ == "__main__":
    main()
