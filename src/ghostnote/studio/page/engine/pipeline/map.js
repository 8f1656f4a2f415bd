/** Places on the map of styles as grooves, as `place` of `pipeline/map.py`. */

import { refused } from "../errors.js";
import { validBpm } from "../music/groove.js";
import { fromX } from "../runtime.js";
import { plainControls } from "./latents.js";
import { Source, drawWindows } from "./sampling.js";

/** @import { Runtime } from "../runtime.js" */

/** @typedef {{centre: number[], axes: number[][]}} Plane `[Z]` and `[2, Z]`, orthonormal */

/**
 * The groove at a place of a map: draw 0 of `seed`, carried there.
 * @param {Runtime} runtime
 * @param {Plane} plane
 * @param {number} x
 * @param {number} y
 * @param {{bpm?: number | null, temperature?: number | null, seed: number}} how
 */
export async function place(runtime, plane, x, y, how) {
  const { bundle } = runtime;
  if (!(Number.isFinite(x) && Number.isFinite(y))) throw refused(`${x}, ${y} is no place on a map`);
  const tempo = validBpm(how.bpm ?? bundle.bpm);
  const source = new Source(bundle.prior, {
    controls: plainControls(bundle, 1), carry: (z) => carried(plane, z, [x, y]),
  });
  const heat = how.temperature ?? bundle.temperature;
  const [window] = await drawWindows(runtime, how.seed, [0], heat, source);
  return fromX(window, bundle, tempo);
}

/**
 * `z` carried to a place: as it was in all that the map does not show.
 * @param {Plane} plane
 * @param {Float32Array} z
 * @param {[number, number]} to
 */
function carried({ centre, axes }, z, to) {
  const away = axes.map((axis, number) => {
    let sum = 0;
    axis.forEach((value, i) => {
      sum += value * (z[i] - centre[i]);
    });
    return to[number] - sum;
  });
  return z.map((value, i) => value + (away[0] * axes[0][i] + away[1] * axes[1][i]));
}
