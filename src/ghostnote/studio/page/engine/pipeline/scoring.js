/** How likely a groove is under a model, cell by cell, as `pipeline/scoring.py`. */

import { N_VOICES } from "../music/kit.js";
import { encode } from "./latents.js";

/** @import { Groove } from "../music/groove.js" */
/** @import { Runtime } from "../runtime.js" */

/**
 * Bits of each cell `[T, V]`, and of each bar.
 * @param {Runtime} runtime
 * @param {Groove} groove
 */
export async function score(runtime, groove) {
  const { x, mu, controls } = await encode(groove, runtime, 0);
  const { hits, velocity, offset } = await runtime.score(x, mu, controls);
  const n = groove.steps * N_VOICES;
  const [one, two, three] = [hits, velocity, offset].map((windows) => bits(windows, n));
  const cells = one.map((value, cell) => Math.fround(value + two[cell]) + three[cell]);
  const bar = groove.stepsPerBar * N_VOICES;
  const byBar = Array.from({ length: groove.bars }, (_, number) =>
    cells.subarray(number * bar, (number + 1) * bar).reduce((sum, value) => sum + value, 0));
  return { cells, byBar };
}

/**
 * Log-likelihoods of windows as bits of the groove.
 * @param {Float32Array[]} nats
 * @param {number} n cells
 */
function bits(nats, n) {
  const size = nats[0].length;
  return Float32Array.from({ length: n }, (_, cell) =>
    nats[Math.floor(cell / size)][cell % size] / -Math.LN2 + 0);
}
