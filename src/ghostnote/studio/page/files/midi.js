/**
 * A groove as a standard MIDI file. The bytes are those that `write_midi(to_performance(groove))`
 * writes in Python, so that they are at hand, without asking anyone, in the moment a drag begins.
 */

import { Problem } from "../engine/problem.js";
import { stepsPerBar } from "../state/groove.js";
import { DRUM_CHANNEL, PITCHES, halfEven, loudness } from "../midi/pitches.js";

/** @import { Groove } from "../engine/types.js" */

/** @typedef {{tick: number, rank: number, number: number, bytes: number[]}} Timed */

export const TICKS_PER_BEAT = 480;
export const TICKS_PER_STEP = TICKS_PER_BEAT / 4;

/** The slowest tempo that MIDI can express, in quarter notes per minute. */
export const SLOWEST = 6e7 / 0xffffff;

/**
 * The bytes of a MIDI file of format 0: the groove's notes on channel 10, its tempo, meter and
 * length. Hits that come before the first beat get an empty bar in front, and a mark says so.
 *
 * @param {Groove} groove
 * @returns {Uint8Array<ArrayBuffer>}
 * @throws {Problem} the tempo is slower than MIDI can express
 */
export function midiBytes(groove) {
  if (groove.bpm < SLOWEST) {
    throw new Problem({
      title: "No MIDI file",
      detail: `${groove.bpm} bpm is slower than MIDI can express.`,
      remedy: "Use at least 3.6 bpm.",
    });
  }
  const [above, below] = groove.meter;
  const bar = stepsPerBar(groove) * TICKS_PER_STEP;
  const { notes, start } = played(groove.hits, bar);
  const end = start + groove.bars * bar;
  const tempo = halfEven(6e7 / groove.bpm);
  const metas = [
    { tick: 0, bytes: meta(0x51, bigEndian(tempo, 3)) },
    { tick: 0, bytes: meta(0x58, [above, Math.log2(below), 24, 8]) },
    { tick: end, bytes: meta(0x06, ascii("ghostnote end")) },
    ...(start ? [{ tick: start, bytes: meta(0x06, ascii("ghostnote start")) }] : []),
  ];
  const events = [
    ...metas.map(({ tick, bytes }, number) => ({ tick, rank: 0, number, bytes })),
    ...noteEvents(notes, start, end),
  ];
  events.sort((a, b) => a.tick - b.tick || a.rank - b.rank || a.number - b.number);

  const track = [0, ...meta(0x03, ascii("Drums"))];
  let now = 0;
  for (const { tick, bytes } of events) {
    track.push(...variable(tick - now), ...bytes);
    now = tick;
  }
  track.push(...variable(Math.max(end - now, 0)), ...meta(0x2f, []));
  const header = [0, 1, TICKS_PER_BEAT].flatMap((value) => bigEndian(value, 2));
  return Uint8Array.from([...chunk("MThd", header), ...chunk("MTrk", track)]);
}

/**
 * The notes voice by voice, each with its tick from the first beat on, and the tick of that beat.
 *
 * @param {Groove['hits']} hits
 * @param {number} bar ticks
 */
function played(hits, bar) {
  const byVoice = [...hits].sort((a, b) => a[1] - b[1] || a[0] - b[0]);
  const notes = byVoice.map(([step, voice, velocity, offset]) => {
    const earliest = step * TICKS_PER_STEP - TICKS_PER_STEP / 2;
    const nearest = halfEven((step + offset) * TICKS_PER_STEP);
    const tick = Math.min(earliest + TICKS_PER_STEP - 1, Math.max(earliest, nearest));
    return { tick, voice, velocity: loudness(velocity) };
  });
  return { notes, start: notes.some(({ tick }) => tick < 0) ? bar : 0 };
}

/**
 * Note-ons and note-offs; an off comes before the ons of its tick.
 *
 * @param {{tick: number, voice: number, velocity: number}[]} notes voice by voice
 * @param {number} start
 * @param {number} end
 * @returns {Timed[]}
 */
function noteEvents(notes, start, end) {
  const channel = DRUM_CHANNEL - 1;
  const lasting = notes.map(({ tick, voice, velocity }, index) => {
    const next = notes[index + 1];
    const until = next && next.voice === voice ? start + next.tick : end;
    const onset = start + tick;
    const off = onset + Math.min(until - onset, TICKS_PER_STEP / 2);
    return { onset, off, pitch: PITCHES[voice], velocity };
  });
  lasting.sort((a, b) => a.onset - b.onset);
  return lasting.flatMap(({ onset, off, pitch, velocity }, number) => [
    { tick: onset, rank: 2, number: 2 * number, bytes: [0x90 | channel, pitch, velocity] },
    { tick: off, rank: 1, number, bytes: [0x80 | channel, pitch, 0] },
  ]);
}

/** @param {string} text */
const ascii = (text) => [...text].map((character) => character.charCodeAt(0));

/** @type {(kind: number, payload: number[]) => number[]} */
const meta = (kind, payload) => [0xff, kind, payload.length, ...payload];

/** @type {(tag: string, content: number[]) => number[]} */
const chunk = (tag, content) => [...ascii(tag), ...bigEndian(content.length, 4), ...content];

/**
 * @param {number} value
 * @param {number} size bytes
 */
function bigEndian(value, size) {
  return Array.from({ length: size }, (_, place) => (value >>> (8 * (size - 1 - place))) & 0xff);
}

/**
 * A delta time as a variable-length number.
 *
 * @param {number} value
 */
function variable(value) {
  const digits = [value & 0x7f];
  for (let rest = value >>> 7; rest; rest >>>= 7) digits.unshift((rest & 0x7f) | 0x80);
  return digits;
}
