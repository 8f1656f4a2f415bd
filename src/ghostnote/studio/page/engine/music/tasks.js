/** Tasks, as `music/tasks.py`: what is hidden from the encoder. A window is `[T, 3V]` in a row. */

import { N_VOICES, voiceIndex } from "./kit.js";

/** @import { Generator } from "../random/pcg64.js" */

/** Numbers at each step: hits, velocity, offset, each of all voices. */
export const WIDTH = 3 * N_VOICES;

/**
 * What a model is given of windows: the encoder's input, and what it is told besides, of each.
 * @typedef {{x: Float32Array[], controls: Float32Array[] | null}} Given
 */

/**
 * What a model was taught; the settings are those of `config.json`.
 * @typedef {object} Task
 * @property {string} kind
 * @property {string} [voice]
 * @property {string} [velocity]
 * @property {number} [note_dropout]
 * @property {string} [voices]
 * @property {string} [hide]
 * @property {number} [bar]
 */

/** The tasks of a mixture, by the number that the model is told. @type {readonly Task[]} */
export const TASKS = Object.freeze([
  { kind: "identity" },
  { kind: "humanize" },
  { kind: "tap", voice: "open hat", velocity: "fixed", note_dropout: 0 },
  { kind: "infill", hide: "either", bar: 16 },
]);

/**
 * What a model of `task` is given of windows `x`.
 * @param {Task} task
 * @param {Float32Array[]} x
 * @param {Generator} generator
 * @returns {Given}
 */
export function apply(task, x, generator) {
  switch (task.kind) {
    case "humanize":
      return { x: x.map(straight), controls: null };
    case "tap":
      return { x: tapped(task, x, generator), controls: null };
    case "add-voices": {
      const voices = new Set((task.voices ?? "").split(",").map(voiceIndex));
      return { x: x.map((one) => hidden(one, (_, voice) => voices.has(voice))), controls: null };
    }
    case "infill":
      return { x: infilled(task, x, generator), controls: null };
    case "hits-control":
      return { x, controls: x.map(hitsOf) };
    default:
      return { x, controls: null };
  }
}

/**
 * What tells a model of several tasks which of them a window is, `[T, K]`.
 * @param {number} which
 * @param {number} steps
 */
export function told(which, steps) {
  const controls = new Float32Array(steps * TASKS.length);
  for (let step = 0; step < steps; step++) controls[step * TASKS.length + which] = 1;
  return controls;
}

/**
 * `x` with all velocities and offsets 0; hits stay.
 * @param {Float32Array} x
 */
export const straight = (x) => x.map((value, at) => (at % WIDTH < N_VOICES ? value : 0));

/** @param {Float32Array} x */
const hitsOf = (x) => x.filter((_, at) => at % WIDTH < N_VOICES);

/**
 * `x` with cells set to silence.
 * @param {Float32Array} x
 * @param {(step: number, voice: number) => boolean} cells
 */
function hidden(x, cells) {
  return x.map((value, at) =>
    cells(Math.floor(at / WIDTH), (at % WIDTH) % N_VOICES) ? 0 : value);
}

/**
 * @param {Task} task
 * @param {Float32Array[]} x
 * @param {Generator} generator
 */
function tapped({ voice = "open hat", velocity, note_dropout: most = 0 }, x, generator) {
  const target = voiceIndex(voice);
  let heard = x;
  if (most) {
    const rates = generator.random(x.length).map((share) => most * share);
    heard = x.map((one, row) => {
      const uniform = generator.random((one.length / WIDTH) * N_VOICES);
      return hidden(one, (step, lost) =>
        uniform[step * N_VOICES + lost] <
        rates[row] * Math.max(0.2, 1 - one[step * WIDTH + N_VOICES + lost]));
    });
  }
  return heard.map((one) => {
    const taps = new Float32Array(one.length);
    for (let at = 0; at < one.length; at += WIDTH) {
      const loudest = loudestAt(one, at);
      for (let part = 0; part < WIDTH; part += N_VOICES) {
        if (part === N_VOICES && velocity === "fixed") continue;
        taps[at + part + target] = one[at + part + loudest];
      }
    }
    return taps;
  });
}

/**
 * The voice of the loudest hit of the step that begins at `at`: the first of equals, 0 if silent.
 * @param {Float32Array} x
 * @param {number} at
 */
function loudestAt(x, at) {
  let found = 0, most = -1;
  for (let voice = 0; voice < N_VOICES; voice++) {
    const loudness = x[at + voice] > 0.5 ? x[at + N_VOICES + voice] : -1;
    if (loudness > most) [found, most] = [voice, loudness];
  }
  return found;
}

/**
 * @param {Task} task
 * @param {Float32Array[]} x
 * @param {Generator} generator
 */
function infilled({ hide = "voices", bar = 16 }, x, generator) {
  const voices = some(x.length, N_VOICES, generator);
  if (hide === "voices") return x.map((one, row) => hidden(one, (_, voice) => voices[row][voice]));
  const nBars = x.length ? x[0].length / WIDTH / bar : 0;
  const bars = some(x.length, nBars, generator);
  const which = generator.random(x.length);
  return x.map((one, row) =>
    hide === "either" && which[row] < 0.5
      ? hidden(one, (_, voice) => voices[row][voice])
      : hidden(one, (step) => bars[row][Math.floor(step / bar)]));
}

/**
 * For each of `batch` rows a random subset of `n`, neither empty nor all.
 * @param {number} batch
 * @param {number} n
 * @param {Generator} generator
 * @returns {boolean[][]}
 */
function some(batch, n, generator) {
  const sizes = generator.integers(1, n, batch);
  const drawn = generator.random(batch * n);
  return Array.from(sizes, (size, row) => {
    const own = Array.from(drawn.subarray(row * n, (row + 1) * n));
    const order = own.map((_, place) => place).sort((a, b) => own[a] - own[b]);
    const chosen = new Set(order.slice(0, size));
    return own.map((_, place) => chosen.has(place));
  });
}
