/**
 * A whole groove in the fragment of a link, which no browser sends to a server.
 *
 * Bytes, little-endian: version 1, meter (2), bars (2), tempo (float64), one bit for each cell that
 * may hold a hit, step by step; then for each hit its velocity in 127ths and its offset in 240ths
 * of a step; last the CRC-32 of all before. The text is base64 with the alphabet of URLs.
 */

import { Problem } from "../engine/problem.js";
import { MAX_BARS, VOICES, stepsOf, stepsPerBar } from "../state/groove.js";
import { halfEven, loudness } from "../midi/pitches.js";
import { crc32 } from "./crc32.js";

/** @import { Groove, Hit } from "../engine/types.js" */

/** What the fragment of a link that holds a groove begins with. */
export const PREFIX = "#groove=";

/** Velocities in a link are 127ths, as MIDI has them; offsets are this fraction of a step. */
export const OFFSETS_PER_STEP = 240;

const VERSION = 1;
const HEADER = 13;
const MOST_STEPS_PER_BAR = 64;

/**
 * The fragment that holds `groove`, with its `#`.
 *
 * @param {Groove} groove of at most 64 bars
 * @throws {Problem} it is longer
 */
export function toFragment(groove) {
  const { bars, meter, bpm } = groove;
  if (!fits(groove)) {
    throw new Problem({
      title: "No link",
      detail: `A link holds up to ${MAX_BARS} bars, and these are ${bars} of ${meter.join("/")}.`,
      remedy: "Send the MIDI file instead.",
    });
  }
  const cells = stepsOf(groove) * VOICES.length;
  const mask = Math.ceil(cells / 8);
  const bytes = new Uint8Array(HEADER + mask + 2 * groove.hits.length + 4);
  const view = new DataView(bytes.buffer);
  bytes.set([VERSION, ...meter]);
  view.setUint16(3, bars, true);
  view.setFloat64(5, bpm, true);
  groove.hits.forEach(([step, voice, velocity, offset], index) => {
    const cell = step * VOICES.length + voice;
    bytes[HEADER + (cell >> 3)] |= 1 << (cell & 7);
    const late = Math.min(OFFSETS_PER_STEP / 2 - 1, halfEven(offset * OFFSETS_PER_STEP));
    view.setUint8(HEADER + mask + 2 * index, loudness(velocity));
    view.setInt8(HEADER + mask + 2 * index + 1, late);
  });
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)), true);
  return PREFIX + toText(bytes);
}

/**
 * The groove in a link's fragment, or null where the fragment is about something else.
 *
 * @param {string} fragment with its `#`
 * @returns {Groove | null}
 * @throws {Problem} it should hold one, and is damaged or from another version
 */
export function fromFragment(fragment) {
  if (!fragment.startsWith(PREFIX)) return null;
  const bytes = toBytes(fragment.slice(PREFIX.length));
  if (!bytes || bytes.length < HEADER + 4) throw damaged();
  const view = new DataView(bytes.buffer);
  if (view.getUint32(bytes.length - 4, true) !== crc32(bytes.subarray(0, -4))) throw damaged();
  if (bytes[0] !== VERSION) {
    throw new Problem({
      title: "Unknown link",
      detail: "The link was made by another version of this page.",
      remedy: "Open it where it was made, and send the MIDI file instead.",
    });
  }
  /** @type {[number, number]} */
  const meter = [bytes[1], bytes[2]];
  const bars = view.getUint16(3, true);
  const bpm = view.getFloat64(5, true);
  const silence = { bpm, meter, bars, hits: [] };
  if (!fits(silence)) throw damaged();
  const cells = stepsOf(silence) * VOICES.length;
  const mask = Math.ceil(cells / 8);
  if (bytes.length < HEADER + mask + 4) throw damaged();
  const played = Array.from({ length: mask * 8 }, (_, cell) => cell).filter(
    (cell) => bytes[HEADER + (cell >> 3)] & (1 << (cell & 7)),
  );
  if (bytes.length !== HEADER + mask + 2 * played.length + 4) throw damaged();
  const hits = played.map((cell, index) => {
    const at = HEADER + mask + 2 * index;
    const velocity = view.getUint8(at);
    const late = view.getInt8(at + 1);
    const known = velocity >= 1 && velocity <= 127 && Math.abs(late + 0.5) < OFFSETS_PER_STEP / 2;
    if (!known || cell >= cells) throw damaged();
    return /** @type {Hit} */ ([
      Math.floor(cell / VOICES.length),
      cell % VOICES.length,
      Math.fround(velocity / 127),
      Math.fround(late / OFFSETS_PER_STEP),
    ]);
  });
  return { ...silence, hits };
}

/**
 * Whether a link can hold a groove of this size.
 *
 * @param {Groove} groove
 */
function fits(groove) {
  const { bpm, meter, bars } = groove;
  const bar = stepsPerBar(groove);
  return (
    Number.isInteger(bar) &&
    bar >= 1 &&
    bar <= MOST_STEPS_PER_BAR &&
    meter.every((part) => part <= 64) &&
    Number.isInteger(Math.log2(meter[1])) &&
    bars >= 1 &&
    bars <= MAX_BARS &&
    bpm > 0 &&
    bpm <= 1000
  );
}

const damaged = () =>
  new Problem({
    title: "Damaged link",
    detail: "The link is damaged: part of it is missing or changed.",
    remedy: "Copy it again, whole, from where it was made.",
  });

/** @param {Uint8Array} bytes */
function toText(bytes) {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {string} text */
function toBytes(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return null;
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}
