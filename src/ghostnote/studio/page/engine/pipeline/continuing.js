/** Longer than the window, as `pipeline/continuing.py`. */

import { refused } from "../errors.js";
import { Groove, concatenate } from "../music/groove.js";
import { N_VOICES } from "../music/kit.js";
import { infillAll } from "./infilling.js";
import { inMeter } from "./windows.js";

/** @import { Runtime } from "../runtime.js" */

/** @typedef {{temperature?: number | null, seed: number, start?: number}} Drawing */

/** What a fill adds to the log-odds of a hit of each voice. */
const FILL = Object.freeze([-0.4, 0.4, -0.8, -0.8, 1.8, 1.0, 1.3, -0.2, -2.2]);

/**
 * `groove` and `bars` more, each written to go on from those before it.
 * @param {Runtime} runtime
 * @param {Groove} groove
 * @param {number} bars
 * @param {number | null | undefined} fillEvery
 * @param {Drawing} how
 */
export async function continued(runtime, groove, bars, fillEvery, how) {
  const keep = Array.from({ length: groove.bars + bars }, (_, bar) => bar < groove.bars);
  const [longer] = await written(runtime, [groove], [keep], fillEvery, how);
  return longer;
}

/**
 * Loops, such as `sample` draws, brought to `bars` bars: cut, or continued. Fills are written in
 * the bars of the loops themselves too.
 * @param {() => Promise<Runtime>} load the model that goes on, where one is needed
 * @param {Groove[]} grooves
 * @param {number} bars
 * @param {number | null | undefined} fillEvery
 * @param {Drawing} how
 */
export async function lengthen(load, grooves, bars, fillEvery, how) {
  every(fillEvery);
  const cut = grooves.map((groove) => groove.slice(0, Math.min(bars, groove.bars)));
  if (fillEvery == null && cut.every((groove) => groove.bars === bars)) return cut;
  const fills = isFill(bars, fillEvery);
  const keep = cut.map((groove) => fills.map((fill, bar) => bar < groove.bars && !fill));
  return written(await load(), cut, keep, fillEvery, how);
}

/**
 * Grooves with as many bars as `keep` has, in which the bars that are not kept are written.
 * @param {Runtime} runtime
 * @param {Groove[]} grooves
 * @param {boolean[][]} keep
 * @param {number | null | undefined} fillEvery
 * @param {Drawing} how
 */
async function written(runtime, grooves, keep, fillEvery, how) {
  every(fillEvery);
  const { bundle } = runtime;
  /** @type {Groove[]} */
  const pages = [];
  /** @type {Uint8Array[]} */
  const masks = [];
  /** @type {Float32Array[]} */
  const lift = [];
  grooves.forEach((groove, number) => {
    inMeter(groove, bundle);
    // Never shorter than a window, which would be heard as a loop.
    const total = Math.max(keep[number].length, bundle.bars);
    const rest = total - groove.bars;
    const page = rest ? concatenate([groove, Groove.silent(rest, groove)]) : groove;
    const bar = groove.stepsPerBar * N_VOICES;
    const fills = isFill(total, fillEvery);
    pages.push(page);
    masks.push(page.hits.map((_, cell) => (keep[number][Math.floor(cell / bar)] ? 1 : 0)));
    lift.push(Float32Array.from(page.hits, (_, cell) =>
      fills[Math.floor(cell / bar)] ? FILL[cell % N_VOICES] : 0));
  });
  const whole = await infillAll(runtime, pages, masks, { ...how, lift });
  return whole.map((groove, number) => groove.slice(0, keep[number].length));
}

/**
 * Which of so many bars are fills: those before each boundary of `every` bars.
 * @param {number} bars
 * @param {number | null | undefined} every
 */
const isFill = (bars, every) =>
  Array.from({ length: bars }, (_, bar) => every != null && (bar + 1) % every === 0);

/** @param {number | null | undefined} fillEvery */
function every(fillEvery) {
  if (fillEvery != null && fillEvery < 2) {
    throw refused(`a fill every ${fillEvery} bars`, "2 or more");
  }
}
