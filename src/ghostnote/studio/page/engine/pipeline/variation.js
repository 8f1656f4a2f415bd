/** Variations of a groove, from subtle to far, as `pipeline/variation.py`. */

import { slerp, uniforms } from "../latent.js";
import { apart, decode, encode, inRange, joined, noiseOf } from "./latents.js";

/** @import { Groove } from "../music/groove.js" */
/** @import { Runtime } from "../runtime.js" */

/** Where in a seed's random numbers the goals are, far from those that sampling uses. */
const GOALS = 2 ** 32;

/**
 * @param {Runtime} runtime
 * @param {Groove} groove
 * @param {number} n
 * @param {{distance: number, temperature: number, seed: number}} how
 */
export async function vary(runtime, groove, n, { distance, temperature, seed }) {
  const { bundle } = runtime;
  inRange(distance, "distance");
  const { mu, controls } = await encode(groove, runtime, seed);
  const { prior } = bundle;
  const z = Array.from({ length: n }, (_, i) => {
    const goal = prior.draw(uniforms(seed, i, prior.nUniforms, GOALS));
    return mu.map((window) => slerp(window, goal, (distance * (i + 1)) / n));
  });
  const noise = noiseOf(bundle, seed, mu.length);
  const x = await decode(runtime, z, noise, temperature, controls);
  const varied = x.map((one) => joined(one, bundle, groove));
  return varied.sort((one, other) => apart(one, groove) - apart(other, groove));
}
