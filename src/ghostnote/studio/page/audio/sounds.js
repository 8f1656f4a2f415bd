/** The bundled kit as audio buffers, panned as the renderer pans them. */

import { Problem } from "../engine/problem.js";

/** @import { Engine, Kit } from "../engine/types.js" */

export const SAMPLE_RATE = 44_100;

/**
 * @typedef {object} Sound
 * @property {AudioBuffer} buffer stereo
 * @property {number} up_to the highest velocity that it plays
 * @property {number} gain
 */

/**
 * @typedef {object} SoundingVoice
 * @property {Sound[]} layers by ascending `up_to`
 * @property {ReadonlySet<number>} chokes the voices that a hit of this one silences
 */

/**
 * Fetches and decodes every sample of the kit.
 * @param {Engine} engine
 * @returns {Promise<SoundingVoice[]>}
 */
export async function loadSounds(engine) {
  const kit = await engine.call("kit", {});
  // An offline context decodes without a user's gesture, and at the rate that samples have.
  const decoder = new OfflineAudioContext(2, 1, SAMPLE_RATE);
  const names = kit.voices.map(({ name }) => name);
  return Promise.all(
    kit.voices.map(async ({ layers, pan }, index) => ({
      layers: await Promise.all(
        layers.map(async ({ file, up_to, gain }) => ({
          buffer: panned(await decoder.decodeAudioData(await sample(file)), pan),
          up_to,
          gain,
        })),
      ),
      chokes: chokedBy(kit, names, index),
    })),
  );
}

/**
 * @param {Kit} kit
 * @param {string[]} names
 * @param {number} index
 */
const chokedBy = (kit, names, index) =>
  new Set(kit.voices.flatMap(({ choked_by }, voice) =>
    choked_by.includes(names[index]) ? [voice] : []));

/** @param {string} file */
async function sample(file) {
  const response = await fetch(new URL(`kit/${encodeURIComponent(file)}`, document.baseURI));
  if (response.ok) return response.arrayBuffer();
  throw new Problem({
    title: "No sound",
    status: response.status,
    detail: `The sample ${file} could not be loaded.`,
    remedy: "Reload the page.",
  });
}

/**
 * Left and right at constant power, with an amplitude of 1 for both in the middle.
 * @param {AudioBuffer} buffer
 * @param {number} pan from -1 (left) to 1 (right)
 */
function panned(buffer, pan) {
  const angle = ((pan + 1) * Math.PI) / 4;
  const stereo = new AudioBuffer({
    length: buffer.length, numberOfChannels: 2, sampleRate: buffer.sampleRate,
  });
  [Math.cos(angle), Math.sin(angle)].forEach((side, channel) => {
    const source = buffer.getChannelData(Math.min(channel, buffer.numberOfChannels - 1));
    const gain = Math.fround(Math.SQRT2 * side);
    stereo.copyToChannel(source.map((value) => value * gain), channel);
  });
  return stereo;
}
