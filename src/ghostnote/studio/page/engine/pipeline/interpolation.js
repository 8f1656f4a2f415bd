/** From one groove to another, and between four, as `pipeline/interpolation.py`. */

import { refused } from "../errors.js";
import { shares, slerp } from "../latent.js";
import { decode, encode, inRange, joined, noiseOf } from "./latents.js";

/** @import { Groove } from "../music/groove.js" */
/** @import { Runtime } from "../runtime.js" */

/**
 * `n` grooves from `a` to `b`.
 * @param {Runtime} runtime
 * @param {Groove} a
 * @param {Groove} b
 * @param {number} n
 * @param {{temperature: number, seed: number}} how
 */
export async function interpolate(runtime, a, b, n, how) {
  const points = await encoded(runtime, [a, b], how.seed);
  const [first, last] = points.latents;
  const t = shares(n);
  return played(runtime, points, how, t.map((share) => ({
    z: between(first, last, share), bpm: tempo(a.bpm, b.bpm, share),
  })));
}

/**
 * The groove at one place between four: top left, top right, bottom left, bottom right.
 * @param {Runtime} runtime
 * @param {Groove[]} corners
 * @param {number} x from 0, at the left, to 1, at the right
 * @param {number} y from 0, at the top, to 1, at the bottom
 * @param {{temperature: number, seed: number}} how
 */
export async function blend(runtime, corners, x, y, how) {
  const [right, down] = [inRange(x, "x"), inRange(y, "y")];
  const points = await encoded(runtime, corners, how.seed);
  const [topLeft, topRight, lowLeft, lowRight] = points.latents;
  const inRow = between(
    between(topLeft, lowLeft, down), between(topRight, lowRight, down), right,
  );
  const inColumn = between(
    between(topLeft, topRight, right), between(lowLeft, lowRight, right), down,
  );
  const bpm = middleTempo(corners.map((corner) => corner.bpm), down, right);
  const [groove] = await played(runtime, points, how, [{ z: between(inRow, inColumn, 0.5), bpm }]);
  return groove;
}

/**
 * Windows between those of two grooves.
 * @param {Float32Array[]} one
 * @param {Float32Array[]} other
 * @param {number} t
 */
const between = (one, other, t) => one.map((z, window) => slerp(z, other[window], t));

/**
 * @param {number[]} corners
 * @param {number} down
 * @param {number} right
 */
function middleTempo([topLeft, topRight, lowLeft, lowRight], down, right) {
  const inRow = tempo(tempo(topLeft, lowLeft, down), tempo(topRight, lowRight, down), right);
  const inColumn = tempo(tempo(topLeft, topRight, right), tempo(lowLeft, lowRight, right), down);
  return (inRow + inColumn) / 2;
}

/**
 * Evenly from `one` to `other`, both exact.
 * @param {number} one
 * @param {number} other
 * @param {number} t
 */
const tempo = (one, other, t) => (one === other ? one : (1 - t) * one + t * other);

/**
 * Grooves of one length as points of a model's space.
 * @param {Runtime} runtime
 * @param {Groove[]} corners
 * @param {number} seed
 */
async function encoded(runtime, corners, seed) {
  const lengths = [...new Set(corners.map(({ bars }) => bars))].sort((a, b) => a - b);
  if (lengths.length > 1) {
    throw refused(
      `there is nothing between ${lengths.join(" and ")} bars`,
      `cut them to one length, such as groove[:${lengths[0]}]`,
    );
  }
  const latents = [];
  /** @type {Float32Array[] | null} */
  let controls = null;
  for (const corner of corners) {
    const one = await encode(corner, runtime, seed);
    if (controls && `${controls}` !== `${one.controls}`) {
      throw refused(
        `${runtime.bundle.name} is told the hits, and there are none between two`,
        "use a model that writes the hits, such as groove-4bar",
      );
    }
    controls = one.controls;
    latents.push(one.mu);
  }
  return { latents, controls, bars: lengths[0] };
}

/**
 * @param {Runtime} runtime
 * @param {{latents: Float32Array[][], controls: Float32Array[] | null, bars: number}} points
 * @param {{temperature: number, seed: number}} how
 * @param {{z: Float32Array[], bpm: number}[]} versions
 */
async function played(runtime, { latents, controls, bars }, { temperature, seed }, versions) {
  const { bundle } = runtime;
  const noise = noiseOf(bundle, seed, latents[0].length);
  const x = await decode(runtime, versions.map(({ z }) => z), noise, temperature, controls);
  return x.map((one, number) => joined(one, bundle, { bars, bpm: versions[number].bpm }));
}
