/** The MIDI pitch that each voice is written with: the first of each in the drum map `ghostnote`. */

/** By voice: kick, snare, closed hat, open hat, low tom, mid tom, high tom, crash, ride. */
export const PITCHES = Object.freeze([36, 38, 42, 46, 43, 47, 50, 49, 51]);

/** General MIDI's channel of drums, counted from 1 as users do. */
export const DRUM_CHANNEL = 10;

/**
 * A velocity as MIDI has it: the nearest of 1 to 127, halves to the even one, and never 0.
 *
 * @param {number} velocity in (0, 1], the double of a float32
 */
export const loudness = (velocity) =>
  Math.min(127, Math.max(1, halfEven(Math.fround(velocity * 127))));

/**
 * The nearest whole number, halves to the even one, as Python and numpy round.
 *
 * @param {number} value
 */
export function halfEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest === 0.5) return below % 2 ? below + 1 : below;
  return rest < 0.5 ? below : below + 1;
}
