/** A rhythm as a part for the whole kit, as `pipeline/tapping.py`. */

import { refused } from "../errors.js";
import { Groove, stepsPerBar, validBpm } from "../music/groove.js";
import { N_VOICES, voiceIndex } from "../music/kit.js";
import { TASKS, apply } from "../music/tasks.js";
import { Generator } from "../random/pcg64.js";
import { fromX, toX } from "../runtime.js";
import { inMeter } from "./windows.js";
import { lesson, write } from "./writing.js";

/** @import { Runtime } from "../runtime.js" */

const VOICE = voiceIndex("open hat");
/** The velocity of a tap that has none. */
const TAP = 0.8;
const MAX_STEPS = 2 ** 20;

/**
 * A part for the whole kit in the rhythm of `rhythm`, whose hits are taps.
 * @param {Runtime} runtime
 * @param {Groove} rhythm
 * @param {{temperature?: number | null, seed: number}} drawing
 */
export async function tap(runtime, rhythm, drawing) {
  const { bundle } = runtime;
  const taught = lesson(bundle, "tap");
  const task = taught.number === null ? bundle.task : TASKS[taught.number];
  inMeter(rhythm, bundle);
  // Taps were lost only to make learning harder.
  const given = apply({ ...task, note_dropout: 0 }, [toX(rhythm)], new Generator(0));
  const [told] = given.x;
  const nothing = new Float32Array(told.length);
  const page = { x: nothing, known: nothing, told };
  const [written] = await write(runtime, [page], taught, { ...drawing, spread: 0 });
  return fromX(written, bundle, rhythm.bpm);
}

/**
 * Taps at these seconds as a rhythm of whole bars of 4/4.
 * @param {number[]} times seconds from the first beat on
 * @param {number} bpm
 */
export function rhythmAt(times, bpm) {
  if (!times.length) throw refused("there is no tap", "give the seconds of some");
  const perSecond = (validBpm(bpm) / 60) * 4;
  const places = [...times].sort((a, b) => a - b).map((seconds) => seconds * perSecond);
  const last = places[places.length - 1];
  if (!(places[0] >= 0 && last < MAX_STEPS)) {
    throw refused(
      "a tap is before the first beat, or much too late",
      "times are seconds from the first beat on, from 0",
    );
  }
  /** @type {[number, number]} */
  const meter = [4, 4];
  const bars = Math.ceil((Math.floor(last + 0.5) + 1) / stepsPerBar(meter));
  const taps = Groove.silent(bars, { bpm, meter });
  for (const place of places) {
    const step = Math.floor(place + 0.5);
    const cell = step * N_VOICES + VOICE;
    if (taps.hits[cell]) continue; // the first tap of a step counts
    taps.hits[cell] = 1;
    taps.velocity[cell] = TAP;
    taps.offset[cell] = place - step;
  }
  return Groove.fromCells(taps.hits, taps.velocity, taps.offset, taps);
}
