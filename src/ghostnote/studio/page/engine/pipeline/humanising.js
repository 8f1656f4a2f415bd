/** Velocity and timing for hits that are given, as `pipeline/humanising.py`. */

import { general, refused } from "../errors.js";
import { Groove } from "../music/groove.js";
import { N_VOICES } from "../music/kit.js";
import { WIDTH, straight } from "../music/tasks.js";
import { fromX, toX } from "../runtime.js";
import { inMeter } from "./windows.js";
import { expected, lesson, write } from "./writing.js";

/** @import { Runtime } from "../runtime.js" */

/**
 * `groove` played by the model: new velocities and offsets, the very same hits.
 * @param {Runtime} runtime
 * @param {Groove} groove
 * @param {{strength: number, keep: string[], temperature?: number | null, seed: number}} how
 */
export async function humanize(runtime, groove, { strength, keep, temperature, seed }) {
  if (!(strength >= 0 && strength <= 1)) {
    throw refused(`strength ${general(strength)} is not in 0 to 1`);
  }
  const { bundle } = runtime;
  const taught = lesson(bundle, "humanize");
  inMeter(groove, bundle);
  const x = toX(groove);
  const known = x.map((_, at) => (at % WIDTH < N_VOICES ? 1 : 0));
  // One that was not taught to humanise has never read hits without velocity.
  const page = { x, known, told: taught.rounds === 1 ? straight(x) : x };
  const cold = (temperature ?? bundle.temperature) === 0;
  const [written] = cold
    ? await expected(runtime, [page], taught, { seed, spread: 0 })
    : await write(runtime, [page], taught, { seed, temperature, spread: 0 });
  if (cold) {
    written.forEach((late, at) => {
      if (at % WIDTH >= 2 * N_VOICES) written[at] = late * Math.fround(bundle.timing);
    });
  }
  return blended(
    groove,
    fromX(written, bundle, groove.bpm),
    keep.includes("velocity") ? 0 : strength,
    keep.includes("timing") ? 0 : strength,
  );
}

/**
 * The hits of both, with this much of the new velocities and offsets.
 * @param {Groove} old
 * @param {Groove} fresh
 * @param {number} velocity
 * @param {number} timing
 */
function blended(old, fresh, velocity, timing) {
  return Groove.fromCells(
    old.hits,
    mixed(old.velocity, fresh.velocity, velocity).map((value) => Math.min(value, 1)),
    mixed(old.offset, fresh.offset, timing),
    old,
  );
}

/**
 * @param {Float32Array} old
 * @param {Float32Array} fresh
 * @param {number} share
 */
function mixed(old, fresh, share) {
  const much = Math.fround(share), rest = Math.fround(1 - much);
  return old.map((value, cell) => Math.fround(value * rest) + Math.fround(fresh[cell] * much));
}
