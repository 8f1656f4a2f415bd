/**
 * Pure functions on grooves. A groove is never changed: edits give a new one.
 */

/** @import { Groove, Hit } from "../engine/types.js" */

/** The voices, in the order of a hit's voice number. */
export const VOICES = /** @type {const} */ ([
  "kick", "snare", "closed hat", "open hat", "low tom", "mid tom", "high tom", "crash", "ride",
]);

/** Two letters a voice, for narrow places. */
export const SHORT_NAMES = /** @type {const} */ ([
  "KD", "SD", "HH", "OH", "LT", "MT", "HT", "CR", "RD",
]);

/** The longest groove that verbs take. */
export const MAX_BARS = 64;

/** The latest offset: the largest float32 below half a step. */
export const LATEST = 0.5 - 2 ** -25;

const SOFTEST = 1 / 127;

/**
 * Steps in a bar: 16 in 4/4.
 * @param {Groove} groove
 */
export const stepsPerBar = ({ meter }) => (meter[0] * 16) / meter[1];

/** @param {Groove} groove */
export const stepsOf = (groove) => groove.bars * stepsPerBar(groove);

/**
 * Seconds that a step lasts.
 * @param {{bpm: number}} groove
 */
export const secondsPerStep = ({ bpm }) => 15 / bpm;

/**
 * @param {number} [bars]
 * @param {number} [bpm]
 * @returns {Groove}
 */
export const silent = (bars = 4, bpm = 110) => ({ bpm, meter: [4, 4], bars, hits: [] });

/** @param {number} velocity */
export const validVelocity = (velocity) => Math.fround(Math.min(1, Math.max(SOFTEST, velocity)));

/** @param {number} offset */
export const validOffset = (offset) => Math.fround(Math.min(LATEST, Math.max(-0.5, offset)));

/** @type {WeakMap<Groove, Map<number, Hit>>} */
const byCell = new WeakMap();

/**
 * The hits of a groove by cell, `step * 9 + voice`. Made once for each groove.
 * @param {Groove} groove
 * @returns {ReadonlyMap<number, Hit>}
 */
export function cellsOf(groove) {
  let cells = byCell.get(groove);
  if (!cells) {
    cells = new Map(groove.hits.map((hit) => [hit[0] * VOICES.length + hit[1], hit]));
    byCell.set(groove, cells);
  }
  return cells;
}

/**
 * @param {Groove} groove
 * @param {number} step
 * @param {number} voice
 */
export const hitAt = (groove, step, voice) => cellsOf(groove).get(step * VOICES.length + voice);

/** How a hit is played. @typedef {{velocity: number, offset: number}} Playing */

/**
 * The groove with other cells: a hit's velocity and offset, or null for none.
 * @param {Groove} groove
 * @param {Iterable<[step: number, voice: number, value: Playing | null]>} edits
 * @returns {Groove}
 */
export function withCells(groove, edits) {
  const cells = new Map(cellsOf(groove));
  for (const [step, voice, value] of edits) {
    const cell = step * VOICES.length + voice;
    if (value) {
      cells.set(cell, [step, voice, validVelocity(value.velocity), validOffset(value.offset)]);
    } else {
      cells.delete(cell);
    }
  }
  return { ...groove, hits: sorted(cells.values()) };
}

/**
 * The groove with those hits alone that `keep` says.
 * @param {Groove} groove
 * @param {(hit: Hit) => boolean} keep
 * @returns {Groove}
 */
export const filtered = (groove, keep) => ({ ...groove, hits: groove.hits.filter(keep) });

/**
 * Some bars of a groove.
 * @param {Groove} groove
 * @param {number} first counted from 0
 * @param {number} bars
 * @returns {Groove}
 */
export function cropped(groove, first, bars) {
  const [start, end] = [first, first + bars].map((bar) => bar * stepsPerBar(groove));
  const hits = groove.hits.filter(([step]) => step >= start && step < end);
  return { ...groove, bars, hits: hits.map(([step, ...rest]) => [step - start, ...rest]) };
}

/**
 * `fresh` with the locked cells of `old`, as far as both reach.
 * @param {Groove} fresh
 * @param {Groove} old
 * @param {{voices: ReadonlySet<number>, bars: ReadonlySet<number>}} locks
 * @returns {Groove}
 */
export function withLocked(fresh, old, locks) {
  if (!locks.voices.size && !locks.bars.size) return fresh;
  const bar = stepsPerBar(fresh);
  if (bar !== stepsPerBar(old)) return fresh;
  const end = Math.min(stepsOf(fresh), stepsOf(old));
  /** @param {Hit} hit */
  const locked = ([step, voice]) =>
    step < end && (locks.voices.has(voice) || locks.bars.has(Math.floor(step / bar)));
  return {
    ...fresh,
    hits: sorted([...fresh.hits.filter((hit) => !locked(hit)), ...old.hits.filter(locked)]),
  };
}

/**
 * The groove with every second 16th later: `swing` is where it falls between its neighbours, from
 * 0.5 (even) to 0.75; 2/3 is a triplet feel. What would be later than a hit can be is as late as
 * it can be.
 * @param {Groove} groove
 * @param {number} swing
 * @returns {Groove}
 */
export function swung(groove, swing) {
  const late = 2 * swing - 1;
  if (late === 0) return groove;
  return {
    ...groove,
    hits: groove.hits.map((hit) =>
      hit[0] % 2 ? [hit[0], hit[1], hit[2], validOffset(hit[3] + late)] : hit),
  };
}

/**
 * @param {Iterable<Hit>} hits
 * @returns {Hit[]}
 */
const sorted = (hits) => [...hits].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
