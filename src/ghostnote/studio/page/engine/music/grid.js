/** From a `Performance`, in ticks, to a `Groove`, on the grid, as `music/grid.py`. */

import { refused } from "../errors.js";
import { Problem } from "../problem.js";
import { Groove, stepsPerBar, validBpm } from "./groove.js";
import { MAP, N_VOICES, VOICE_OF } from "./kit.js";
import { DEFAULT_TEMPO, DRUM_CHANNEL } from "./midi.js";

/** @import { Meter } from "./groove.js" */
/** @import { Note, Performance } from "./midi.js" */

const MAX_STEPS = 2 ** 20;

/**
 * What became of the notes: `notes` = `hits` + `merged` + `outside` + all `unmapped`.
 * @typedef {object} GridReport
 * @property {number} notes
 * @property {number} hits
 * @property {number} merged
 * @property {number} outside
 * @property {Record<string, number>} unmapped pitch → notes of it
 * @property {number} tempo_changes
 */

/**
 * The drums of a file that keeps to one meter, and what became of its notes.
 * @param {Performance} performance
 * @returns {{groove: Groove, report: GridReport}}
 */
export function toGroove(performance) {
  const drums = performance.notes.filter(({ channel }) => channel === DRUM_CHANNEL - 1);
  const silent = !drums.length && performance.stop !== null;
  /** @type {Groove[]} */
  const found = [];
  /** @type {GridReport} */
  const total = { notes: 0, hits: 0, merged: 0, outside: 0, unmapped: {}, tempo_changes: 0 };
  for (const { start, stop, meter, notes } of stretches(performance, drums)) {
    const { bpm, changes } = tempoAt(performance, start, stop);
    const { report } = withRemedy(() => {
      const one = onGrid(notes, performance.ticksPerBeat, { start, stop, meter, bpm });
      if (one.report.hits || (silent && one.groove.steps)) {
        validBpm(bpm);
        found.push(one.groove);
      }
      return one;
    });
    total.notes += report.notes;
    total.hits += report.hits;
    total.merged += report.merged;
    total.outside += report.outside;
    total.tempo_changes += changes;
    for (const [pitch, count] of Object.entries(report.unmapped)) {
      total.unmapped[pitch] = (total.unmapped[pitch] ?? 0) + count;
    }
  }
  if (!found.length) throw noHits(performance, total);
  if (found.length > 1) {
    const meters = found.map(({ meter }) => meter.join("/")).join(", ");
    throw refused(
      `changes its meter: ${meters}`, "cut the file where the meter changes, and use the parts",
    );
  }
  return { groove: found[0], report: total };
}

/**
 * @template T
 * @param {() => T} make
 * @returns {T}
 */
function withRemedy(make) {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof Problem) || error.remedy) throw error;
    throw refused(error.detail, "bars must be whole 16ths, tempos at most 1000 bpm");
  }
}

/**
 * What a report says, in one line.
 * @param {GridReport} report
 */
export function reportLine({ notes, hits, merged, outside, unmapped, tempo_changes: changes }) {
  const parts = [`${hits} of ${notes} notes on the grid`];
  if (merged) parts.push(`${merged} merged with a louder one of their voice and step`);
  if (outside) parts.push(`${outside} before the first bar`);
  const unknown = Object.entries(unmapped);
  if (unknown.length) {
    const sum = unknown.reduce((all, [, count]) => all + count, 0);
    const pitches = unknown.map(([pitch, count]) => `${pitch} (×${count})`).join(", ");
    parts.push(`${sum} of unknown pitches: ${pitches}`);
  }
  if (changes) parts.push(`${changes} tempo change${changes === 1 ? "" : "s"} ignored`);
  return parts.join("; ");
}

/**
 * Notes put on the grid: a note belongs to the step that it is nearest to, halfway to the later
 * one; of several of one voice in one step the loudest counts, the first of equals.
 * @param {Note[]} notes
 * @param {number} ticksPerBeat
 * @param {{start: number, stop: number | null, meter: Meter, bpm: number}} where
 */
function onGrid(notes, ticksPerBeat, { start, stop, meter, bpm }) {
  const bar = stepsPerBar(meter);
  /** @type {Map<number, {velocity: number, late: number}>} */
  const cells = new Map();
  /** @type {Record<string, number>} */
  const unmapped = {};
  let inside = 0, outside = 0, last = -1;
  for (const { onset, pitch, velocity } of notes) {
    const voice = VOICE_OF.get(pitch);
    if (voice === undefined) {
      unmapped[pitch] = (unmapped[pitch] ?? 0) + 1;
      continue;
    }
    const quarters = 4 * (onset - start); // steps × ticks per beat, in whole numbers
    const step = Math.floor((2 * quarters + ticksPerBeat) / (2 * ticksPerBeat));
    if (step < 0) {
      outside++;
      continue;
    }
    inside++;
    last = Math.max(last, step);
    const cell = step * N_VOICES + voice;
    if (velocity > (cells.get(cell)?.velocity ?? 0)) {
      cells.set(cell, { velocity, late: (quarters - step * ticksPerBeat) / ticksPerBeat });
    }
  }
  let steps = last + 1;
  if (stop !== null) steps = Math.max(steps, Math.ceil((4 * (stop - start)) / ticksPerBeat));
  const bars = Math.ceil(steps / bar);
  if (bars * bar > MAX_STEPS) {
    throw refused(
      `lasts ${bars * bar} 16th notes, more than the ${MAX_STEPS} that are read`,
      "check the file, or cut it into shorter ones",
    );
  }
  const groove = Groove.silent(bars, { bpm, meter });
  for (const [cell, { velocity, late }] of cells) {
    groove.hits[cell] = 1;
    groove.velocity[cell] = velocity / 127;
    groove.offset[cell] = late;
  }
  const hits = cells.size;
  return {
    groove: Groove.fromCells(groove.hits, groove.velocity, groove.offset, groove),
    report: { notes: notes.length, hits, merged: inside - hits, outside, unmapped },
  };
}

/**
 * Where the meter stays the same. What is up to half a step early belongs to the stretch that it
 * is early for.
 * @param {Performance} performance
 * @param {Note[]} notes
 */
function stretches({ ticksPerBeat, meters, start, stop }, notes) {
  const halfStep = ticksPerBeat / 8;
  /** @type {Map<number, Meter>} */
  const atTick = new Map([[start, [4, 4]]]);
  for (const [tick, above, below] of meters) {
    atTick.set(tick <= start + halfStep ? start : tick, [above, below]);
  }
  const given = [...atTick];
  const changes = given.filter(([, meter], index) =>
    index === 0 || meter.join("/") !== given[index - 1][1].join("/"));
  const cuts = changes.map(([tick], index) => {
    if (!index) return 0;
    const at = notes.findIndex(({ onset }) => onset >= tick - halfStep);
    return at < 0 ? notes.length : at;
  });
  return changes.map(([tick, meter], index) => ({
    start: tick,
    stop: index + 1 < changes.length ? changes[index + 1][0] : stop,
    meter,
    notes: notes.slice(cuts[index], cuts[index + 1]),
  }));
}

/**
 * The tempo at `start`, in bpm, and how often it changes from there to `stop`.
 * @param {Performance} performance
 * @param {number} start
 * @param {number | null} stop
 */
function tempoAt({ ticksPerBeat, tempos }, start, stop) {
  const halfStep = ticksPerBeat / 8;
  const before = tempos.filter(([tick]) => tick <= start + halfStep);
  const after = tempos.filter(([tick]) =>
    start + halfStep < tick && (stop === null || tick < stop));
  const first = (before[before.length - 1] ?? after[0] ?? [0, DEFAULT_TEMPO])[1];
  let last = first, changes = 0;
  for (const [, tempo] of after) {
    if (tempo !== last) changes++;
    last = tempo;
  }
  return { bpm: 6e7 / first, changes };
}

/**
 * @param {Performance} performance
 * @param {GridReport} report
 */
function noHits({ notes }, report) {
  const where = ` on channel ${DRUM_CHANNEL}`;
  const others = [...new Set(notes.map(({ channel }) => channel + 1))].sort((a, b) => a - b)
    .filter((channel) => channel !== DRUM_CHANNEL);
  const also = others.length
    ? `, or choose --channel: there are notes on ${others.join(", ")}`
    : "";
  return report.notes
    ? refused(
      `has no drums${where} that the map ${MAP} knows: ${reportLine(report)}`,
      `use another drum map${also}`,
    )
    : refused(`has no notes${where}`, `give a MIDI file with drums${also}`);
}
