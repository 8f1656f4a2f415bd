/** Moving grooves along what can be measured of them, as `pipeline/attributes.py`. */

import { SCORER } from "../bundle.js";
import { uniforms } from "../latent.js";
import { concatenate } from "../music/groove.js";
import { N_VOICES } from "../music/kit.js";
import { WIDTH } from "../music/tasks.js";
import { fromX } from "../runtime.js";
import { windowsOf } from "./windows.js";

/** @import { Bundle } from "../bundle.js" */
/** @import { Groove } from "../music/groove.js" */
/** @import { Runtime } from "../runtime.js" */

/** The temperature at which a groove is taken to have been played: the model's own odds. */
const PLAYED = 1;
const LEAST_NOISE = 2 ** -24;
const SOFTEST = Math.fround(1 / 127);

/**
 * The temperature of a move where none is given.
 * @param {Bundle} bundle
 */
const heatOf = (bundle) => (SCORER in bundle.config.files ? PLAYED : 0);

/**
 * `groove` with what adding `shift` `[Z]` to the z of its windows changes.
 * @param {Runtime} runtime
 * @param {Groove} groove
 * @param {Float32Array} shift
 * @param {{temperature?: number | null, seed: number}} how
 */
export async function moved(runtime, groove, shift, { temperature, seed }) {
  const { bundle } = runtime;
  const x = windowsOf(groove, bundle);
  const { mu } = await runtime.encode(x);
  const heat = temperature ?? heatOf(bundle);
  const noise = x.map((window) => new Float32Array(window.length).fill(0.5));
  if (heat > 0) {
    const { hits: nats } = await runtime.score(x, mu);
    x.forEach((window, index) => {
      const uniform = uniforms(seed, index, bundle.steps * N_VOICES);
      uniform.forEach((share, cell) => {
        const hit = window[at(cell)] > 0.5;
        noise[index][3 * cell] = inferredNoise(hit, nats[index][cell], share, heat);
      });
    });
  }
  const here = await runtime.decode(mu, noise, heat);
  const away = mu.map((z) => z.map((value, i) => value + shift[i]));
  const there = await runtime.decode(away, noise, heat);
  const played = x.map((window, index) =>
    fromX(changed(window, here[index], there[index]), bundle, groove.bpm));
  return concatenate(played).slice(0, groove.bars);
}

/**
 * Where the hit of a cell `step * V + voice` stands in a window.
 * @param {number} cell
 */
const at = (cell) => Math.floor(cell / N_VOICES) * WIDTH + (cell % N_VOICES);

/**
 * A draw of the noise that a cell was played with, given that just it was played.
 * @param {boolean} hit what was played
 * @param {number} nats the log-likelihood of it, at a temperature of 1
 * @param {number} uniform what is drawn
 * @param {number} temperature
 */
function inferredNoise(hit, nats, uniform, temperature) {
  const likely = Math.min(nats, 0);
  const against = Math.exp((Math.log(-Math.expm1(likely)) - likely) / temperature);
  const below = uniform / (1 + against);
  return Math.min(1 - LEAST_NOISE, Math.max(LEAST_NOISE, hit ? below : 1 - below));
}

/**
 * `x` with what changes from `here` to `there`: hits that only one of the two has are as `there`
 * has them, others stay, with the difference in velocity and offset where both have one.
 * @param {Float32Array} x
 * @param {Float32Array} here
 * @param {Float32Array} there
 */
function changed(x, here, there) {
  const result = new Float32Array(x.length);
  for (let cell = 0; cell < (x.length / WIDTH) * N_VOICES; cell++) {
    const hit = at(cell), velocity = hit + N_VOICES, offset = velocity + N_VOICES;
    const [mine, one, other] = [x, here, there].map((window) => window[hit] > 0.5);
    if (!(one === other ? mine : other)) continue;
    const [loudness, late] = [velocity, offset].map((place) => {
      const apart = one && other ? Math.fround(there[place] - here[place]) : 0;
      return mine ? Math.fround(x[place] + apart) : there[place];
    });
    result[hit] = 1;
    result[velocity] = Math.min(1, Math.max(SOFTEST, loudness));
    result[offset] = Math.min(0.5, Math.max(-0.5, late));
  }
  return result;
}
