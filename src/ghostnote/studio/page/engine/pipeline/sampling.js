/** New grooves out of a model's prior, as `pipeline/sampling.py`. */

import { refused } from "../errors.js";
import { slerp, uniforms } from "../latent.js";
import { validBpm } from "../music/groove.js";
import { WIDTH } from "../music/tasks.js";
import { fingerprint, fromX } from "../runtime.js";
import { encode, inRange, plainControls } from "./latents.js";

/** @import { Bundle } from "../bundle.js" */
/** @import { Prior } from "../latent.js" */
/** @import { Groove } from "../music/groove.js" */
/** @import { Runtime } from "../runtime.js" */

/** After so many copies of training windows, one is given after all: the model knows no other. */
const ATTEMPTS = 32;

/**
 * `n` new grooves out of the model's prior, or of that of a part of its training data. None has
 * the very hits of a training window.
 * @param {Runtime} runtime
 * @param {number} n
 * @param {{seed: number, start?: number, temperature?: number | null, bpm?: number | null,
 *   near?: Groove | null, radius?: number, style?: string | null, beatType?: string | null}} how
 */
export async function sample(runtime, n, how) {
  const { seed, start = 0, near, radius = 0.5, style, beatType } = how;
  const { bundle } = runtime;
  const heat = how.temperature ?? bundle.temperature;
  const tempo = validBpm(how.bpm ?? near?.bpm ?? bundle.bpm);
  const narrow = style != null || beatType != null || (how.bpm != null && bundle.parts.length > 0);
  const prior = narrow ? bundle.priorOf({ style, beatType, bpm: how.bpm }) : bundle.prior;
  const source = near
    ? await around(near, inRange(radius, "radius"), prior, runtime, seed)
    : new Source(prior, { controls: plainControls(bundle, 1) });
  const indices = Array.from({ length: n }, (_, i) => start + i);
  const x = await drawWindows(runtime, seed, indices, heat, source);
  const bars = near?.bars ?? bundle.bars;
  return x.map((window) => fromX(window, bundle, tempo).slice(0, bars));
}

/** Where z is drawn from, and what the model is told besides. */
export class Source {
  /**
   * @param {Prior} prior what a draw is
   * @param {{centre?: Float32Array | null, radius?: number, controls?: Float32Array[] | null,
   *   carry?: ((z: Float32Array) => Float32Array) | null}} [more] from where it is gone towards the
   *   draw, and how much of the way; what a model is told; what is done at last with a z
   */
  constructor(prior, { centre = null, radius = 1, controls = null, carry = null } = {}) {
    this.prior = prior;
    this.centre = centre;
    this.radius = radius;
    this.controls = controls;
    this.carry = carry;
  }

  /** @param {Float32Array} uniform */
  draw(uniform) {
    const drawn = this.prior.draw(uniform);
    const z = this.centre ? slerp(this.centre, drawn, this.radius) : drawn;
    return this.carry ? this.carry(z) : z;
  }
}

/**
 * @param {Groove} near
 * @param {number} radius
 * @param {Prior} prior
 * @param {Runtime} runtime
 * @param {number} seed
 */
async function around(near, radius, prior, runtime, seed) {
  const { bundle } = runtime;
  if (near.bars > bundle.bars) {
    throw refused(
      `is ${near.bars} bars long; ${bundle.name} draws ${bundle.bars}`,
      `give ${bundle.bars} bars of it, such as groove[:${bundle.bars}]`,
    );
  }
  const { mu, controls } = await encode(near, runtime, seed);
  return new Source(prior, { centre: mu[0], radius, controls });
}

/**
 * The draws `indices` of `seed` as windows. One with the very hits of a training window is drawn
 * again, from further on in the random numbers of its (seed, index).
 * @param {Runtime} runtime
 * @param {number} seed
 * @param {number[]} indices
 * @param {number} temperature
 * @param {Source} source
 */
export async function drawWindows(runtime, seed, indices, temperature, source) {
  /**
   * @param {number[]} chosen
   * @param {number} attempt
   */
  const draw = (chosen, attempt) => {
    const { z, noise } = draws(runtime.bundle, seed, chosen, attempt, source);
    const controls = source.controls && chosen.flatMap(() => source.controls ?? []);
    return runtime.decode(z, noise, temperature, { controls });
  };
  const x = await draw(indices, 0);
  let copies = copiesIn(runtime.bundle, x, [...x.keys()]);
  for (let attempt = 1; attempt < ATTEMPTS && copies.length; attempt++) {
    const again = await draw(copies.map((row) => indices[row]), attempt);
    copies.forEach((row, place) => {
      x[row] = again[place];
    });
    copies = copiesIn(runtime.bundle, x, copies);
  }
  return x;
}

/**
 * Latents and noise of draws.
 * @param {Bundle} bundle
 * @param {number} seed
 * @param {number[]} indices
 * @param {number} attempt
 * @param {Source} source
 */
export function draws(bundle, seed, indices, attempt, source) {
  const forZ = bundle.prior.nUniforms;
  const numbers = indices.map((index) =>
    uniforms(seed, index, forZ + bundle.steps * WIDTH, attempt));
  return {
    z: numbers.map((draw) => source.draw(draw.subarray(0, forZ))),
    noise: numbers.map((draw) => draw.subarray(forZ)),
  };
}

/**
 * Those of `rows` of `x` whose hits are those of a training window.
 * @param {Bundle} bundle
 * @param {Float32Array[]} x
 * @param {number[]} rows
 */
function copiesIn({ trainingFingerprints: known }, x, rows) {
  return rows.filter((row) => {
    const own = fingerprint(x[row]);
    let low = 0, high = known.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (known[middle] < own) low = middle + 1;
      else high = middle;
    }
    return known[low] === own;
  });
}
