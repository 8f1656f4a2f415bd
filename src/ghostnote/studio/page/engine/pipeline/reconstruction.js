/** A groove through a model and back, as `pipeline/reconstruction.py`. */

import { decode, encode, joined, noiseOf } from "./latents.js";

/** @import { Groove } from "../music/groove.js" */
/** @import { Runtime } from "../runtime.js" */

/**
 * The groove, and of each window, what its z says that a draw of N(0, I) does not, in bits.
 * @param {Runtime} runtime
 * @param {Groove} groove
 * @param {{temperature: number, seed: number}} how
 */
export async function reconstruct(runtime, groove, { temperature, seed }) {
  const { bundle } = runtime;
  const { mu, bits, controls } = await encode(groove, runtime, seed);
  const noise = noiseOf(bundle, seed, mu.length);
  const [x] = await decode(runtime, [mu], noise, temperature, controls);
  return { groove: joined(x, bundle, groove), bits };
}
