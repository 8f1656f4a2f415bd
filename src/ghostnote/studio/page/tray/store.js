// The kept loops, in the browser's local storage: they survive a reload, and never leave it.

/** @typedef {import('../engine/types.js').Groove} Groove */
/** @typedef {{id: string, name: string, groove: Groove}} Loop */
/** @typedef {Pick<Storage, 'getItem' | 'setItem'>} Store */

/** Under this key the loops are kept. */
export const KEY = 'ghostnote.tray';

/** How many loops are kept at most: a page of hundreds is no tray any more. */
export const MOST = 100;

/** How long a name may be, in characters. */
export const LONGEST_NAME = 60;

export class TrayError extends Error {
  name = 'TrayError';
}

/**
 * The kept loops, the newest first; none where nothing is kept or what is there cannot be read.
 *
 * @param {Store} store
 * @returns {Loop[]}
 */
export function readLoops(store) {
  try {
    const kept = JSON.parse(store.getItem(KEY) ?? '[]');
    return Array.isArray(kept) ? kept.filter(isLoop) : [];
  } catch {
    return [];
  }
}

/**
 * @param {Store} store
 * @param {Loop[]} loops
 * @throws {TrayError} there is no room, or the browser allows no storage
 */
export function writeLoops(store, loops) {
  try {
    store.setItem(KEY, JSON.stringify(loops));
  } catch (error) {
    throw new TrayError(error instanceof DOMException && error.name === 'QuotaExceededError'
      ? 'The browser has no room for more loops: delete some, after downloading them if you like.'
      : 'The browser does not let this page store anything: loops are lost on reload. '
        + 'Download what you want to keep.');
  }
}

/**
 * The loops with one more in front.
 *
 * @param {Loop[]} loops
 * @param {Loop} loop
 * @throws {TrayError} there are `MOST` already
 */
export function kept(loops, loop) {
  if (loops.length >= MOST) {
    throw new TrayError(`The tray is full with ${MOST} loops: delete some, after downloading them `
      + 'if you like.');
  }
  return [loop, ...loops];
}

/**
 * The loops, one of them under another name; a name of nothing but spaces changes nothing.
 *
 * @param {Loop[]} loops
 * @param {string} id
 * @param {string} name
 */
export function renamed(loops, id, name) {
  const given = name.trim().slice(0, LONGEST_NAME);
  return loops.map((loop) => (loop.id === id && given ? {...loop, name: given} : loop));
}

/**
 * @param {Loop[]} loops
 * @param {string} id
 */
export const without = (loops, id) => loops.filter((loop) => loop.id !== id);

/**
 * `wanted`, with a number behind it where a loop has that name already.
 *
 * @param {Loop[]} loops
 * @param {string} wanted
 */
export function freeName(loops, wanted) {
  const taken = new Set(loops.map(({name}) => name));
  const short = wanted.trim().slice(0, LONGEST_NAME - 4) || 'loop';
  if (!taken.has(short)) return short;
  for (let number = 2; ; number++) {
    if (!taken.has(`${short} ${number}`)) return `${short} ${number}`;
  }
}

/**
 * A name for each loop's file, all of them different: letters, digits and hyphens only.
 *
 * @param {Loop[]} loops
 * @param {string} suffix with its dot
 */
export function fileNames(loops, suffix) {
  /** @type {Set<string>} */
  const taken = new Set();
  return loops.map(({name}) => {
    const stem = plain(name);
    let free = stem;
    for (let number = 2; taken.has(free); number++) free = `${stem}-${number}`;
    taken.add(free);
    return free + suffix;
  });
}

/**
 * A name as a file may have it anywhere.
 *
 * @param {string} name
 */
export const plain = (name) =>
  name.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '-').replaceAll(/^-+|-+$/g, '') || 'loop';

/**
 * Whether stored data is a loop that the page can show and play.
 *
 * @param {any} value
 * @returns {value is Loop}
 */
function isLoop(value) {
  return typeof value?.id === 'string' && typeof value.name === 'string' && isGroove(value.groove);
}

/**
 * Whether data from outside has the form of a groove.
 *
 * @param {any} value
 * @returns {value is Groove}
 */
export function isGroove(value) {
  if (!value || !Array.isArray(value.meter) || value.meter.length !== 2) return false;
  const bar = (value.meter[0] * 16) / value.meter[1];
  const steps = bar * value.bars;
  return Number.isInteger(bar) && bar > 0 && Number.isInteger(value.bars) && value.bars > 0
    && value.bpm > 0 && value.bpm <= 1000 && Array.isArray(value.hits)
    && value.hits.every((/** @type {any} */ hit) => Array.isArray(hit) && hit.length === 4
      && Number.isInteger(hit[0]) && hit[0] >= 0 && hit[0] < steps
      && Number.isInteger(hit[1]) && hit[1] >= 0 && hit[1] < 9
      && hit[2] > 0 && hit[2] <= 1 && hit[3] >= -0.5 && hit[3] < 0.5);
}
