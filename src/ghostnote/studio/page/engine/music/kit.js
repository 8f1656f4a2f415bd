/** The nine voices of the kit, as `music/kit.py`, and the drum map that reads MIDI files. */

import { refused } from "../errors.js";

/** The voices, in the order of every array's voice axis. */
export const VOICES = Object.freeze([
  "kick", "snare", "closed hat", "open hat", "low tom", "mid tom", "high tom", "crash", "ride",
]);

export const N_VOICES = VOICES.length;

/** Two letters a voice. */
export const SHORT_NAMES = Object.freeze(["KD", "SD", "HH", "OH", "LT", "MT", "HT", "CR", "RD"]);

/** What the default map is called, and the pitches of each voice in it. */
export const MAP = "ghostnote";
export const PITCHES = Object.freeze([
  [36, 35],
  [38, 37, 40, 39],
  [42, 22, 44],
  [46, 26],
  [43, 58, 41],
  [47, 45],
  [50, 48],
  [49, 52, 55, 57],
  [51, 53, 59],
]);

/** Pitch → voice, for the pitches that the map knows. @type {ReadonlyMap<number, number>} */
export const VOICE_OF = new Map(
  PITCHES.flatMap((pitches, voice) => pitches.map((pitch) => [pitch, voice])),
);

/**
 * The index of a voice.
 * @param {string} name
 */
export function voiceIndex(name) {
  const index = VOICES.indexOf(name);
  if (index < 0) throw refused(`unknown voice '${name}'`, `one of: ${VOICES.join(", ")}`);
  return index;
}
