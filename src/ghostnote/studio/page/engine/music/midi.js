/** Standard MIDI files, read as `music/midi.py` reads them: the same notes, the same warnings. */

import { halfEven } from "../../midi/pitches.js";
import { general, refused } from "../errors.js";

/**
 * @typedef {object} Note
 * @property {number} onset in ticks
 * @property {number} pitch
 * @property {number} velocity 1 to 127
 * @property {number} channel 0 to 15
 */

/** @typedef {[tick: number, microseconds: number]} Tempo a quarter note's */
/** @typedef {[tick: number, numerator: number, denominator: number]} MeterChange */

/**
 * What a file says of drums: its notes in order of time, tempos and meters, and where bar 1 begins
 * and the last bar ends, where a file of ours says so.
 * @typedef {object} Performance
 * @property {number} ticksPerBeat
 * @property {Note[]} notes
 * @property {Tempo[]} tempos
 * @property {MeterChange[]} meters
 * @property {number} start
 * @property {number | null} stop
 * @property {string[]} warnings
 */

/**
 * @typedef {object} Track
 * @property {Note[]} notes
 * @property {Tempo[]} tempos
 * @property {MeterChange[]} meters
 * @property {[tick: number, text: string][]} marks
 * @property {number} end
 * @property {number} size the bytes that were understood
 * @property {string | null} damage why not all were
 * @property {Map<string, number>} ignored
 */

export const DRUM_CHANNEL = 10;
export const DEFAULT_TEMPO = 500_000;

const SMPTE_TICKS_PER_BEAT = 9600;
const START_MARK = "ghostnote start";
const END_MARK = "ghostnote end";
const MARKS = [START_MARK, END_MARK];
const END_OF_TRACK = 0x2f;
const TEMPO = 0x51;
const METER = 0x58;
const ILLEGAL = 0x100;
const ILLEGAL_MESSAGE = "illegal message";
const EXPORT_AGAIN = "export the file again from the program that made it";
const FRAME_RATES = new Map([[24, 24], [25, 25], [29, 30000 / 1001], [30, 30]]);

/**
 * The performance in the bytes of a MIDI file of format 0, 1 or 2.
 * @param {Uint8Array} file
 * @returns {Performance}
 */
export function parseMidi(file) {
  const data = unwrapped(file);
  if (text(data, 0, 4) !== "MThd") {
    throw refused(data.length ? "is no MIDI file" : "is empty", "give a standard MIDI file (.mid)");
  }
  if (data.length < 14) throw refused("is cut off in its header", EXPORT_AGAIN);
  const [format, announced, division] = [8, 10, 12].map((at) => (data[at] << 8) | data[at + 1]);
  let { tracks, warnings } = readTracks(data);
  if (!tracks.length) throw refused("holds no track", EXPORT_AGAIN);
  if (tracks.some(({ damage }) => damage) && !tracks.some(({ notes }) => notes.length)) {
    throw refused("is damaged before its first note", EXPORT_AGAIN);
  }
  if (!division) throw refused("has 0 ticks per beat", EXPORT_AGAIN);
  if (number(data, 4, 8) !== 6) warnings.push("the header does not have the length of 6 bytes");
  if (format > 2) warnings.push(`format ${format} is unknown: read as format 1`);
  if (announced !== tracks.length) {
    warnings.push(`the header announces ${announced} tracks, the file holds ${tracks.length}`);
  }
  let ticksPerBeat = division;
  if (division & 0x8000) {
    tracks = fromSmpte(tracks, division, warnings);
    ticksPerBeat = SMPTE_TICKS_PER_BEAT;
  }
  if (format === 2) tracks = oneAfterAnother(tracks, ticksPerBeat);
  return joined(tracks, ticksPerBeat, warnings);
}

/** @param {Uint8Array} data */
function unwrapped(data) {
  if (text(data, 0, 4) !== "RIFF" || text(data, 8, 12) !== "RMID") return data;
  const begin = find(data, "MThd", 0);
  return begin < 0 ? data.subarray(data.length - 1) : data.subarray(begin);
}

/**
 * All tracks, and what was wrong with them or between them.
 * @param {Uint8Array} data
 */
function readTracks(data) {
  /** @type {Track[]} */
  const tracks = [];
  /** @type {string[]} */
  const warnings = [];
  let place = 14;
  for (let found; (found = find(data, "MTrk", place)) >= 0;) {
    if (found > place) warnings.push(`${bytes(found - place)} outside of any track skipped`);
    const begin = found + 8, name = `track ${tracks.length + 1}`;
    let end = begin + number(data, found + 4, Math.min(begin, data.length));
    const short = end > data.length;
    if (short) {
      const following = find(data, "MTrk", begin);
      end = following < 0 ? data.length : following;
    }
    const track = readTrack(data.subarray(begin, end));
    tracks.push(track);
    const left = end - begin - track.size;
    if (track.damage) {
      const kept = track.notes.length;
      warnings.push(`${name} ${track.damage}: ${kept} notes kept, ${bytes(left)} lost`);
    } else if (short) {
      warnings.push(`${name} is shorter than it says`);
    } else if (left) {
      warnings.push(`${bytes(left)} after the end of ${name} skipped`);
    }
    for (const [what, count] of track.ignored) {
      if (count) warnings.push(`${name}: ${count} × ${what} ignored`);
    }
    const within = find(data.subarray(0, end + 3), "MTrk", begin + track.size);
    place = within < 0 ? end : within;
  }
  if (place < data.length) {
    warnings.push(`${bytes(data.length - place)} after the last track skipped`);
  }
  return { tracks, warnings };
}

/** @param {number} count */
const bytes = (count) => `${count} byte${count === 1 ? "" : "s"}`;

/**
 * Each track moved to the bar line at or after the end of the one before.
 * @param {Track[]} tracks
 * @param {number} division
 */
function oneAfterAnother(tracks, division) {
  let begin = 0, bar = 4 * division;
  return tracks.map((track) => {
    const by = begin;
    const last = track.meters[track.meters.length - 1];
    if (last) bar = Math.max(1, Math.floor((4 * division * last[1]) / last[2]));
    begin += Math.ceil(track.end / bar) * bar;
    return movedBy(track, (tick) => tick + by);
  });
}

/**
 * Ticks that are fractions of a second, brought to ticks per beat of the first tempo.
 * @param {Track[]} tracks
 * @param {number} division
 * @param {string[]} warnings
 */
function fromSmpte(tracks, division, warnings) {
  const frames = 256 - (division >> 8), parts = division & 0xff;
  const rate = FRAME_RATES.get(frames);
  if (!rate || !parts) {
    throw refused(
      `counts time in ${parts} parts of ${frames} frames a second, which is no MIDI time`,
      EXPORT_AGAIN,
    );
  }
  const tempos = tracks.flatMap((track) => track.tempos).sort(byTick);
  const tempo = tempos[0]?.[1] ?? DEFAULT_TEMPO;
  const ticksPerSecond = (SMPTE_TICKS_PER_BEAT / tempo) * 1e6;
  const scale = ticksPerSecond / (rate * parts);
  const error = Number((500 / ticksPerSecond).toPrecision(2));
  warnings.push(
    `times in SMPTE frames (${frames} a second) brought to ${general(6e7 / tempo)} bpm, ` +
    `rounded by at most ${error} ms`,
  );
  if (tempos.some(([, other]) => other !== tempo)) {
    warnings.push("tempo changes ignored, since times in SMPTE frames do not depend on them");
  }
  return tracks.map((track, index) => ({
    ...movedBy(track, (tick) => halfEven(tick * scale)),
    tempos: /** @type {Tempo[]} */ (index ? [] : [[0, tempo]]),
  }));
}

/**
 * @param {Track} track
 * @param {(tick: number) => number} move
 * @returns {Track}
 */
const movedBy = (track, move) => ({
  ...track,
  notes: track.notes.map((note) => ({ ...note, onset: move(note.onset) })),
  tempos: track.tempos.map(([tick, tempo]) => [move(tick), tempo]),
  meters: track.meters.map(([tick, above, below]) => [move(tick), above, below]),
  marks: track.marks.map(([tick, mark]) => [move(tick), mark]),
  end: move(track.end),
});

/**
 * @param {Track[]} tracks
 * @param {number} ticksPerBeat
 * @param {string[]} warnings
 * @returns {Performance}
 */
function joined(tracks, ticksPerBeat, warnings) {
  const marks = new Map(tracks.flatMap((track) => track.marks.map(([tick, mark]) => [mark, tick])));
  let start = marks.get(START_MARK) ?? 0, stop = marks.get(END_MARK) ?? null;
  if (stop !== null && stop < start) {
    warnings.push("ghostnote's marks of the first and the last bar are mixed up: ignored");
    [start, stop] = [0, null];
  }
  return {
    ticksPerBeat,
    notes: tracks.flatMap((track) => track.notes).sort((a, b) => a.onset - b.onset),
    tempos: tracks.flatMap((track) => track.tempos).sort(byTick),
    meters: tracks.flatMap((track) => track.meters).sort(byTick),
    start,
    stop,
    warnings,
  };
}

/** @type {(one: [number, ...unknown[]], other: [number, ...unknown[]]) => number} */
const byTick = ([one], [other]) => one - other;

// -- one track ----------------------------------------------------------------------------------

/** The track ends within an event. */
class CutShort extends Error {}
/** What makes the rest of a track unreadable. */
class Damage extends Error {}

/**
 * @param {Uint8Array} body
 * @returns {Track}
 */
function readTrack(body) {
  /** @type {Track} */
  const track = {
    notes: [], tempos: [], meters: [], marks: [], end: 0, size: 0, damage: null,
    ignored: new Map([[ILLEGAL_MESSAGE, 0]]),
  };
  let status = 0;
  for (;;) {
    let event;
    try {
      event = readEvent(body, track.size, status);
    } catch (error) {
      if (error instanceof CutShort) track.damage = track.size === body.length ? null : "is cut short";
      else if (error instanceof Damage) track.damage = error.message;
      else throw error;
      return track;
    }
    track.size = event.end;
    track.end += event.delta;
    status = event.status;
    note(track, event);
    if (event.kind === END_OF_TRACK) return track;
  }
}

/**
 * @typedef {object} Event
 * @property {number} delta ticks since the one before
 * @property {number} kind the type of a meta event, `ILLEGAL`, or 0 for anything else
 * @property {boolean} voiced whether it is a message of a channel
 * @property {number} status that of the last message of a channel, up to here
 * @property {Uint8Array} payload
 * @property {number} end
 */

/**
 * What an event says, added to its track.
 * @param {Track} track
 * @param {Event} event
 */
function note(track, { kind, voiced, status, payload }) {
  const tick = track.end;
  if (voiced) {
    const [pitch, velocity] = payload;
    if ((status & 0xf0) === 0x90 && velocity > 0) {
      track.notes.push({ onset: tick, pitch, velocity, channel: status & 0x0f });
    }
  } else if (kind === TEMPO) {
    if (payload.length === 3 && payload.some((byte) => byte)) {
      track.tempos.push([tick, number(payload, 0, 3)]);
    } else ignore(track, "unreadable tempo");
  } else if (kind === METER) {
    const [above, power] = payload;
    if (payload.length >= 2 && power < 16 && above >= 1) {
      track.meters.push([tick, above, 2 ** power]);
    } else ignore(track, "unreadable meter");
  } else if (kind === ILLEGAL) {
    ignore(track, ILLEGAL_MESSAGE);
  } else {
    const mark = text(payload, 0, payload.length);
    if (MARKS.includes(mark)) track.marks.push([tick, mark]);
  }
}

/** @type {(track: Track, what: string) => void} */
const ignore = ({ ignored }, what) => void ignored.set(what, (ignored.get(what) ?? 0) + 1);

/**
 * The event at `at`; without a status of its own it has that of `running`.
 * @param {Uint8Array} body
 * @param {number} at
 * @param {number} running
 * @returns {Event}
 */
function readEvent(body, at, running) {
  const [delta, begin] = readNumber(body, at);
  const first = byteAt(body, begin);
  let place = begin + (first >= 0x80 ? 1 : 0);
  let kind = 0, largest = 0x7f, status = running, length = 0, voiced = false;
  if (first < 0xf0) {
    if (first >= 0x80) status = first;
    if (!status) throw new Damage("holds data without a status");
    length = (status & 0xe0) === 0xc0 ? 1 : 2;
    voiced = true;
  } else if (first === 0xf0 || first === 0xf7 || first === 0xff) {
    // In real files, a running status survives these.
    if (first === 0xff) kind = byteAt(body, place++);
    [length, place] = readNumber(body, place);
    largest = 0xff;
  } else {
    kind = ILLEGAL;
    length = first === 0xf2 ? 2 : first === 0xf1 || first === 0xf3 ? 1 : 0;
  }
  const payload = body.subarray(place, place + length);
  if (payload.length < length) throw new CutShort();
  if (payload.some((byte) => byte > largest)) {
    throw new Damage("holds a status where data should be");
  }
  return { delta, kind, voiced, status, payload, end: place + length };
}

/**
 * A variable-length number, and where it ends.
 * @param {Uint8Array} body
 * @param {number} at
 * @returns {[value: number, end: number]}
 */
function readNumber(body, at) {
  let value = 0;
  for (let end = at + 1; end < at + 5; end++) {
    const byte = byteAt(body, end - 1);
    value = (value << 7) | (byte & 0x7f);
    if (byte < 0x80) return [value, end];
  }
  throw new Damage("holds a number of more than four bytes");
}

/** @type {(body: Uint8Array, at: number) => number} */
function byteAt(body, at) {
  if (at >= body.length) throw new CutShort();
  return body[at];
}

/**
 * A big-endian number of the bytes from `from` to `to`.
 * @type {(data: Uint8Array, from: number, to: number) => number}
 */
const number = (data, from, to) =>
  data.subarray(from, to).reduce((value, byte) => value * 256 + byte, 0);

/** @type {(data: Uint8Array, from: number, to: number) => string} */
const text = (data, from, to) => String.fromCharCode(...data.subarray(from, Math.min(to, from + 64)));

/**
 * Where four letters stand next, or -1.
 * @param {Uint8Array} data
 * @param {string} letters
 * @param {number} from
 */
function find(data, letters, from) {
  for (let at = data.indexOf(letters.charCodeAt(0), from); at >= 0;) {
    if (text(data, at, at + 4) === letters) return at;
    at = data.indexOf(letters.charCodeAt(0), at + 1);
  }
  return -1;
}
