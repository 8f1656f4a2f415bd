/** Renders a groove to samples with the very nodes that play it. */

import { secondsPerStep, stepsOf } from "../state/groove.js";
import { Drums, limiter } from "./drums.js";
import { Sequencer } from "./sequencer.js";
import { SAMPLE_RATE } from "./sounds.js";

/** @import { Groove } from "../engine/types.js" */
/** @import { SoundingVoice } from "./sounds.js" */

/**
 * Once through `groove`, until its last sample has rung out. `lead` is when bar 1 starts, more than
 * 0 only where a hit comes ahead of it.
 * @param {Groove} groove
 * @param {SoundingVoice[]} sounds
 * @returns {Promise<{buffer: AudioBuffer, lead: number}>}
 */
export async function renderOffline(groove, sounds) {
  const seconds = secondsPerStep(groove);
  const first = Math.min(0, ...groove.hits.map(([step, , , offset]) => (step + offset) * seconds));
  const lead = Math.round(-first * SAMPLE_RATE) / SAMPLE_RATE;
  const steps = [...new Sequencer(groove, { time: lead, loop: false }).advance(Infinity)];
  const ends = steps.flatMap(({ hits }) => hits.map(({ voice, time }) =>
    time + Math.max(...sounds[voice].layers.map(({ buffer }) => buffer.duration))));
  const length = Math.max(lead + stepsOf(groove) * seconds, ...ends);
  const context = new OfflineAudioContext(2, Math.ceil(length * SAMPLE_RATE), SAMPLE_RATE);
  const { input, output } = limiter(context);
  output.connect(context.destination);
  const drums = new Drums(context, input, sounds);
  for (const { voice, velocity, time } of steps.flatMap(({ hits }) => hits)) {
    drums.hit(voice, velocity, time);
  }
  return { buffer: await context.startRendering(), lead };
}
