/** What is missing in a groove, as `pipeline/infilling.py`. */

import { refused } from "../errors.js";
import { N_VOICES, voiceIndex } from "../music/kit.js";
import { WIDTH } from "../music/tasks.js";
import { fromX, toX } from "../runtime.js";
import { inMeter } from "./windows.js";
import { lesson, write } from "./writing.js";

/** @import { Groove } from "../music/groove.js" */
/** @import { Runtime } from "../runtime.js" */

/**
 * The cells of `groove` that are in one of these voices or in one of these bars: `[T, V]`.
 * @param {Groove} groove
 * @param {{voices?: string[], bars?: number[]}} which
 */
export function cells(groove, { voices = [], bars = [] }) {
  const chosen = new Uint8Array(groove.hits.length);
  for (const voice of voices.map(voiceIndex)) {
    for (let cell = voice; cell < chosen.length; cell += N_VOICES) chosen[cell] = 1;
  }
  const size = groove.stepsPerBar * N_VOICES;
  for (const bar of bars) {
    if (!(bar >= 0 && bar < groove.bars)) {
      throw refused(`there is no bar ${bar}`, `bars are 0 to ${groove.bars - 1} here`);
    }
    chosen.fill(1, bar * size, (bar + 1) * size);
  }
  return chosen;
}

/**
 * Grooves with all but the cells of `keep` `[T, V]` written by the model.
 * @param {Runtime} runtime
 * @param {Groove[]} grooves
 * @param {Uint8Array[]} keep
 * @param {{temperature?: number | null, seed: number, start?: number, lift?: Float32Array[]}} how
 */
export async function infillAll(runtime, grooves, keep, { lift, ...drawing }) {
  const { bundle } = runtime;
  const taught = lesson(bundle, "infill");
  const pages = grooves.map((groove, number) => {
    inMeter(groove, bundle);
    const x = toX(groove);
    const known = x.map((_, at) =>
      keep[number][Math.floor(at / WIDTH) * N_VOICES + ((at % WIDTH) % N_VOICES)]);
    return { x, known, lift: lift?.[number] };
  });
  const written = await write(runtime, pages, taught, { ...drawing, spread: 1 });
  return written.map((x, number) => fromX(x, bundle, grooves[number].bpm));
}
