/** What a hand does to cells: each a step that can be undone, and is heard at once. */

import {
  cropped, filtered, hitAt, stepsPerBar, validOffset, validVelocity, VOICES, withCells,
} from "../state/groove.js";

/** @import { Hit } from "../engine/types.js" */
/** @import { Studio } from "../state/studio.js" */

export const NEW_VELOCITY = 0.75;

/**
 * A cell in words, such as "snare, bar 2 step 5, hit, velocity 80, 3 % late".
 * @param {number} step
 * @param {number} voice
 * @param {number} perBar
 * @param {Hit | undefined} hit
 */
export function cellName(step, voice, perBar, hit) {
  const bar = Math.floor(step / perBar);
  const where = `${VOICES[voice]}, bar ${bar + 1} step ${step - bar * perBar + 1}`;
  if (!hit) return `${where}, empty`;
  const late = Math.round(100 * hit[3]);
  const time = late === 0 ? "on time" : `${Math.abs(late)} % ${late > 0 ? "late" : "early"}`;
  return `${where}, hit, velocity ${Math.round(127 * hit[2])}, ${time}`;
}

/**
 * @param {Studio} studio
 * @param {number} step
 * @param {number} voice
 */
const place = ({ groove }, step, voice) => {
  const perBar = stepsPerBar(groove);
  return `${VOICES[voice]} ${Math.floor(step / perBar) + 1}.${(step % perBar) + 1}`;
};

/**
 * Sets the cell, or clears it, and tells so.
 * @param {Studio} studio
 * @param {number} step
 * @param {number} voice
 */
export function toggle(studio, step, voice) {
  const clears = hitAt(studio.groove, step, voice) !== undefined;
  paint(studio, [step], voice, !clears);
  tell(studio, step, voice);
}

/**
 * Sets or clears cells of a voice; what was done is named after the step `first`.
 * @param {Studio} studio
 * @param {number[]} steps
 * @param {number} voice
 * @param {boolean} on
 * @param {{merge?: string, first?: number}} [how]
 */
export function paint(studio, steps, voice, on, { merge, first = steps[0] } = {}) {
  const changed = steps.filter((step) => (hitAt(studio.groove, step, voice) !== undefined) !== on);
  if (!changed.length) return;
  const value = on ? { velocity: NEW_VELOCITY, offset: 0 } : null;
  const label = `${on ? "Set" : "Clear"} ${place(studio, first, voice)}`;
  studio.set(
    withCells(studio.groove, changed.map((step) => [step, voice, value])),
    { label, at: "now", merge },
  );
  if (on) audition(studio, voice, NEW_VELOCITY);
}

/**
 * Plays a cell at `velocity`; with `make`, an empty one gets a hit.
 * @param {Studio} studio
 * @param {number} step
 * @param {number} voice
 * @param {number} velocity
 * @param {{merge?: string, make?: boolean}} [how]
 */
export function setVelocity(studio, step, voice, velocity, { merge, make = false } = {}) {
  const hit = hitAt(studio.groove, step, voice);
  const valid = validVelocity(velocity);
  if ((!hit && !make) || hit?.[2] === valid) return;
  studio.set(
    withCells(studio.groove, [[step, voice, { velocity: valid, offset: hit?.[3] ?? 0 }]]),
    { label: `Velocity of ${place(studio, step, voice)}`, at: "now", merge },
  );
}

/**
 * Plays a hit `offset` steps late.
 * @param {Studio} studio
 * @param {number} step
 * @param {number} voice
 * @param {number} offset
 * @param {string} [merge]
 */
export function setOffset(studio, step, voice, offset, merge) {
  const hit = hitAt(studio.groove, step, voice);
  const valid = validOffset(offset);
  if (!hit || hit[3] === valid) return;
  studio.set(
    withCells(studio.groove, [[step, voice, { velocity: hit[2], offset: valid }]]),
    { label: `Timing of ${place(studio, step, voice)}`, at: "now", merge },
  );
}

/**
 * Clears all that is not locked.
 * @param {Studio} studio
 */
export function clear(studio) {
  const { groove, locks } = studio;
  const perBar = stepsPerBar(groove);
  const kept = filtered(groove, ([step, voice]) =>
    locks.voices.has(voice) || locks.bars.has(Math.floor(step / perBar)));
  if (kept.hits.length === groove.hits.length) return;
  studio.set(kept, { label: "Clear", at: "now" });
  studio.say(kept.hits.length ? "All that is not locked is cleared" : "Cleared");
}

/**
 * Leaves some bars alone, and no others.
 * @param {Studio} studio
 * @param {number} first
 * @param {number} bars
 */
export function crop(studio, first, bars) {
  const which = bars === 1 ? `bar ${first + 1}` : `bars ${first + 1}–${first + bars}`;
  const label = `Crop to ${which}`;
  const locked = [...studio.locks.bars].map((bar) => bar - first);
  studio.update({
    groove: cropped(studio.groove, first, bars),
    locks: {
      ...studio.locks,
      bars: new Set(locked.filter((bar) => bar >= 0 && bar < bars)),
    },
  }, { label });
  studio.say(label);
}

/**
 * Tells how a cell is now.
 * @param {Studio} studio
 * @param {number} step
 * @param {number} voice
 */
export function tell(studio, step, voice) {
  const { groove } = studio;
  studio.say(cellName(step, voice, stepsPerBar(groove), hitAt(groove, step, voice)));
}

/**
 * @param {Studio} studio
 * @param {number} voice
 * @param {number} velocity
 */
export function audition(studio, voice, velocity) {
  if (studio.transport.playing) return;
  studio.transport.hit(voice, velocity).catch((error) => studio.fail(error));
}

/**
 * Adds `value` to a set, or takes it away.
 * @template T
 * @param {ReadonlySet<T>} set
 * @param {T} value
 * @returns {ReadonlySet<T>}
 */
const toggled = (set, value) => {
  const other = new Set(set);
  if (!other.delete(value)) other.add(value);
  return other;
};

/**
 * @param {Studio} studio
 * @param {"mutes" | "solos"} what
 * @param {number} voice
 */
export function toggleHearing(studio, what, voice) {
  const set = toggled(studio.state[what], voice);
  const verb = what === "mutes" ? ["Mute", "Unmute"] : ["Solo", "Unsolo"];
  const label = `${verb[set.has(voice) ? 0 : 1]} ${VOICES[voice]}`;
  studio.update({ [what]: set }, { label, at: "now" });
  studio.say(label);
}

/**
 * @param {Studio} studio
 * @param {"voices" | "bars"} what
 * @param {number} index
 */
export function toggleLock(studio, what, index) {
  const set = toggled(studio.locks[what], index);
  const name = what === "voices" ? VOICES[index] : `bar ${index + 1}`;
  const label = `${set.has(index) ? "Lock" : "Unlock"} ${name}`;
  studio.update({ locks: { ...studio.locks, [what]: set } }, { label, at: "now" });
  studio.say(label);
}
