/** Grooves as points of a latent space, and points as grooves, as `pipeline/latents.py`. */

import { general, refused } from "../errors.js";
import { uniforms } from "../latent.js";
import { WIDTH, apply, told } from "../music/tasks.js";
import { Generator } from "../random/pcg64.js";
import { fromX } from "../runtime.js";
import { windowsOf } from "./windows.js";

/** @import { Bundle } from "../bundle.js" */
/** @import { Groove } from "../music/groove.js" */
/** @import { Runtime } from "../runtime.js" */

/**
 * `groove` through the encoder, window by window.
 * @param {Groove} groove
 * @param {Runtime} runtime
 * @param {number} seed
 */
export async function encode(groove, runtime, seed) {
  const { bundle } = runtime;
  const x = windowsOf(groove, bundle);
  const plain = plainControls(bundle, x.length);
  const given = plain ? { x, controls: plain } : apply(bundle.task, x, new Generator(seed));
  const { mu, sigma } = await runtime.encode(given.x, given.controls);
  return { x, mu, sigma, controls: given.controls, bits: mu.map((m, row) => bitsOf(m, sigma[row])) };
}

/**
 * What z says that a draw of N(0, I) does not.
 * @param {Float32Array} mu
 * @param {Float32Array} sigma
 */
function bitsOf(mu, sigma) {
  let nats = 0;
  mu.forEach((m, i) => {
    nats += 0.5 * (m * m + sigma[i] * sigma[i] - 1) - Math.log(sigma[i]);
  });
  return nats / Math.LN2;
}

/**
 * What tells a model of several tasks that nothing is hidden; null for others.
 * @param {Bundle} bundle
 * @param {number} n
 */
export function plainControls(bundle, n) {
  return bundle.task.kind === "mixture"
    ? Array.from({ length: n }, () => told(0, bundle.steps))
    : null;
}

/**
 * The noise of a groove's windows, `[T, V, 3]` each: that of window i is that of (seed, i).
 * @param {Bundle} bundle
 * @param {number} seed
 * @param {number} n
 */
export function noiseOf(bundle, seed, n) {
  return Array.from({ length: n }, (_, index) => uniforms(seed, index, bundle.steps * WIDTH));
}

/**
 * Versions of a groove of `N` windows, all from the same noise.
 * @param {Runtime} runtime
 * @param {Float32Array[][]} z `[M][N][Z]`
 * @param {Float32Array[]} noise `[N]`
 * @param {number} temperature
 * @param {Float32Array[] | null} controls `[N]`
 * @returns {Promise<Float32Array[][]>} `[M][N]` windows
 */
export async function decode(runtime, z, noise, temperature, controls) {
  const x = await runtime.decode(
    z.flat(), z.flatMap(() => noise), temperature,
    { controls: controls && z.flatMap(() => controls) },
  );
  return z.map((version, number) =>
    x.slice(number * version.length, (number + 1) * version.length));
}

/**
 * The windows of a groove one after another, without what filled them up.
 * @param {Float32Array[]} x
 * @param {Bundle} bundle
 * @param {{bars: number, bpm: number}} like
 */
export function joined(x, bundle, { bars, bpm }) {
  const whole = new Float32Array(x.length * bundle.steps * WIDTH);
  x.forEach((window, index) => whole.set(window, index * window.length));
  const size = (bundle.steps / bundle.bars) * WIDTH;
  return fromX(whole.subarray(0, bars * size), bundle, bpm);
}

/**
 * How many cells have a hit in one of two grooves alone.
 * @param {Groove} one
 * @param {Groove} other
 */
export const apart = ({ hits }, other) =>
  hits.reduce((sum, hit, cell) => sum + (hit === other.hits[cell] ? 0 : 1), 0);

/**
 * `value`, if it is in [0, 1].
 * @param {number} value
 * @param {string} name
 */
export function inRange(value, name) {
  if (!(value >= 0 && value <= 1)) throw refused(`${name} ${general(value)} is not in 0 to 1`);
  return value;
}

