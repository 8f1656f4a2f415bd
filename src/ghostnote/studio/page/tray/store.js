/** The kept loops, in the browser's local storage: they survive a reload, and never leave it. */

import { Problem } from "../engine/problem.js";
import { MAX_BARS, stepsOf, stepsPerBar } from "../state/groove.js";

/** @import { Groove } from "../engine/types.js" */

/** @typedef {{id: string, name: string, groove: Groove}} Loop */
/** @typedef {Pick<Storage, "getItem" | "setItem">} Store */

/** Under this key the loops are kept. */
export const KEY = "ghostnote.tray";

/** How many loops are kept at most: a page of hundreds is no tray any more. */
export const MOST = 100;

const MAKE_ROOM = "Delete some, after downloading them if you like.";

/** How long a name may be, in characters. */
export const LONGEST_NAME = 60;

/**
 * The kept loops, the newest first; none where nothing is kept or what is there cannot be read.
 *
 * @param {Store} store
 * @returns {Loop[]}
 */
export function readLoops(store) {
  try {
    const kept = JSON.parse(store.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter(isLoop) : [];
  } catch {
    return [];
  }
}

/**
 * @param {Store | null} store null where the browser allows none
 * @param {Loop[]} loops
 * @throws {Problem} there is no room, or the browser allows no storage
 */
export function writeLoops(store, loops) {
  try {
    if (!store) throw new Error("no storage");
    store.setItem(KEY, JSON.stringify(loops));
  } catch (error) {
    const full = error instanceof DOMException && error.name === "QuotaExceededError";
    throw new Problem({
      title: "Not kept",
      detail: full
        ? "The browser has no room for more loops."
        : "The browser does not let this page store anything.",
      remedy: full ? MAKE_ROOM : "Allow it to store data, or download the loop instead.",
    });
  }
}

/**
 * The loops with one more in front.
 *
 * @param {Loop[]} loops
 * @param {Loop} loop
 * @throws {Problem} there are `MOST` already
 */
export function kept(loops, loop) {
  if (loops.length >= MOST) {
    throw new Problem({
      title: "Not kept",
      detail: `The tray is full: it holds ${MOST} loops.`,
      remedy: MAKE_ROOM,
    });
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
  return loops.map((loop) => (loop.id === id && given ? { ...loop, name: given } : loop));
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
  const taken = new Set(loops.map(({ name }) => name));
  const short = wanted.trim().slice(0, LONGEST_NAME - 4) || "loop";
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
  return loops.map(({ name }) => {
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
  name
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, "-")
    .replaceAll(/^-+|-+$/g, "") || "loop";

/**
 * Whether stored data is a loop that the page can show and play.
 *
 * @param {any} value
 * @returns {value is Loop}
 */
function isLoop(value) {
  return typeof value?.id === "string" && typeof value.name === "string" && isGroove(value.groove);
}

/**
 * Whether data from outside has the form of a groove.
 *
 * @param {any} value
 * @returns {value is Groove}
 */
export function isGroove(value) {
  if (!Array.isArray(value?.meter) || value.meter.length !== 2 || !Array.isArray(value.hits)) {
    return false;
  }
  const steps = stepsOf(value);
  const sized = whole(stepsPerBar(value), 1, 256) && whole(value.bars, 1, MAX_BARS);
  return sized && value.bpm > 0 && value.bpm <= 1000 &&
    value.hits.every((/** @type {any} */ hit) => {
      if (!Array.isArray(hit) || hit.length !== 4) return false;
      const [step, voice, velocity, offset] = hit;
      return whole(step, 0, steps - 1) && whole(voice, 0, 8) && velocity > 0 && velocity <= 1 &&
        offset >= -0.5 && offset < 0.5;
    });
}

/** @type {(value: unknown, low: number, high: number) => boolean} */
const whole = (value, low, high) =>
  Number.isInteger(value) && Number(value) >= low && Number(value) <= high;
