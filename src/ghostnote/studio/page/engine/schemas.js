/** What is asked, as `studio/schemas.py`: the bounds that a schema can say, and what is left out. */

import { misfit } from "./errors.js";
import { VOICES } from "./music/kit.js";

/** @import { Verb } from "./types.js" */

/**
 * A check of a value at a place, which gives it back, or throws a `Problem`.
 * @typedef {(value: any, place: string) => any} Check
 */

/** @typedef {Record<string, {check: Check, otherwise?: unknown}>} Fields */

/** The longest groove that is taken or given, in bars. */
export const MAX_BARS = 64;
const MAX_LOOPS = 64;
const MAX_STEPS = MAX_BARS * 16;
const MAX_HITS = MAX_STEPS * VOICES.length;
const MAX_TAPS = 4096;
const MAX_SEED = Number.MAX_SAFE_INTEGER;
const ATTRIBUTES = 7;

/** @type {(low: number, high: number, open?: "low" | "high") => Check} */
const number = (low, high, open) => (value, place) => {
  if (typeof value !== "number" || !Number.isFinite(value)) throw misfit(`${place}: is no number`);
  if (value < low || value > high || value === (open === "low" ? low : open ? high : NaN)) {
    throw misfit(`${place}: ${value} is not in ${low} to ${high}`);
  }
  return value;
};

/** @type {(low: number, high: number) => Check} */
const whole = (low, high) => (value, place) => {
  if (!Number.isInteger(value)) throw misfit(`${place}: is no whole number`);
  return number(low, high)(value, place);
};

/** @type {(check: Check, low: number, high: number) => Check} */
const list = (check, low, high) => (value, place) => {
  if (!Array.isArray(value) || value.length < low || value.length > high) {
    throw misfit(`${place}: is no list of ${low} to ${high}`);
  }
  return value.map((item, index) => check(item, `${place}.${index}`));
};

/** @type {(...checks: Check[]) => Check} */
const tuple = (...checks) => (value, place) => {
  if (!Array.isArray(value) || value.length !== checks.length) {
    throw misfit(`${place}: is no list of ${checks.length}`);
  }
  return checks.map((check, index) => check(value[index], `${place}.${index}`));
};

/** @type {(choices: readonly unknown[]) => Check} */
const oneOf = (choices) => (value, place) => {
  if (!choices.includes(value)) throw misfit(`${place}: is none of ${choices.join(", ")}`);
  return value;
};

/** @type {Check} */
const name = (value, place) => {
  if (typeof value !== "string" || !value || value.length > 64) throw misfit(`${place}: is no name`);
  return value;
};

/** @type {(check: Check) => Check} */
const maybe = (check) => (value, place) => (value === null ? null : check(value, place));

/** @type {(fields: Fields) => Check} */
const table = (fields) => (value, place) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw misfit(`${place || "the request"}: is no object`);
  }
  const inside = place ? `${place}.` : "";
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(fields, key)) throw misfit(`${inside}${key}: is not known`);
  }
  return Object.fromEntries(Object.entries(fields).map(([key, { check, otherwise }]) => {
    if (value[key] !== undefined) return [key, check(value[key], inside + key)];
    if (otherwise === undefined) throw misfit(`${inside}${key}: is missing`);
    return [key, otherwise];
  }));
};

/** @type {(check: Check) => {check: Check}} */
const needed = (check) => ({ check });
/** @type {(check: Check, otherwise?: unknown) => {check: Check, otherwise: unknown}} */
const optional = (check, otherwise = null) => ({ check, otherwise });

const bpm = number(0, 1000, "low");
const bars = whole(1, MAX_BARS);
const count = whole(1, MAX_LOOPS);
const share = number(0, 1);
const seed = whole(0, MAX_SEED);
const step = whole(0, MAX_STEPS - 1);
const voice = whole(0, VOICES.length - 1);
const fillEvery = optional(maybe(whole(2, MAX_BARS)));

const groove = table({
  bpm: optional(bpm, 120),
  meter: optional(tuple(whole(1, 16), oneOf([1, 2, 4, 8, 16])), [4, 4]),
  bars: needed(bars),
  hits: needed(list(
    tuple(step, voice, number(0, 1, "low"), number(-0.5, 0.5, "high")), 0, MAX_HITS,
  )),
});

const model = optional(maybe(name));
/** What every verb takes that draws. */
const drawing = { model, seed: optional(seed, 0), temperature: optional(maybe(number(0, 10))) };
const ofGroove = { ...drawing, groove: needed(groove) };
const exported = table({ grooves: needed(list(groove, 1, MAX_BARS)), bpm: optional(maybe(bpm)) });

/** @type {Check} */
const amounts = (value, place) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw misfit(`${place}: is no object`);
  }
  const entries = Object.entries(value);
  if (entries.length > ATTRIBUTES) throw misfit(`${place}: are more than ${ATTRIBUTES}`);
  for (const [key, amount] of entries) {
    name(key, place);
    number(-2, 2)(amount, `${place}.${key}`);
  }
  return value;
};

/** @type {Record<Verb, Check>} */
const SCHEMAS = {
  sample: table({
    ...drawing,
    n: optional(count, 1),
    start: optional(seed, 0),
    bpm: optional(maybe(bpm)),
    bars: optional(maybe(bars)),
    fill_every: fillEvery,
    style: optional(maybe(name)),
    beat_type: optional(maybe(name)),
    near: optional(maybe(groove)),
    radius: optional(share, 0.5),
  }),
  vary: table({ ...ofGroove, n: optional(count, 4), distance: optional(share, 0.5) }),
  interpolate: table({
    ...drawing, a: needed(groove), b: needed(groove), n: optional(whole(2, MAX_LOOPS), 5),
  }),
  blend: table({
    ...drawing, corners: needed(list(groove, 4, 4)), x: needed(share), y: needed(share),
  }),
  place: table({
    ...drawing,
    x: needed(number(-100, 100)),
    y: needed(number(-100, 100)),
    bpm: optional(maybe(bpm)),
  }),
  reconstruct: table(ofGroove),
  humanize: table({
    ...ofGroove,
    strength: optional(share, 1),
    keep: optional(list(oneOf(["velocity", "timing"]), 0, 2), []),
  }),
  tap: table({
    ...drawing,
    groove: optional(maybe(groove)),
    times: optional(maybe(list(number(0, 86_400), 0, MAX_TAPS))),
    bpm: optional(maybe(bpm)),
  }),
  infill: table({
    ...ofGroove,
    keep: needed(table({
      voices: optional(list(oneOf(VOICES), 0, VOICES.length), []),
      bars: optional(list(whole(0, MAX_BARS - 1), 0, MAX_BARS), []),
      cells: optional(list(tuple(step, voice), 0, MAX_HITS), []),
    })),
  }),
  continue: table({ ...ofGroove, bars: optional(bars, 4), fill_every: fillEvery }),
  attribute: table({ ...ofGroove, amounts: needed(amounts) }),
  score: table({ model, groove: needed(groove) }),
  models: table({}),
  map: table({ model }),
  kit: table({}),
  read: table({
    bytes: needed((value, place) => {
      if (!(value instanceof Uint8Array)) throw misfit(`${place}: are no bytes`);
      return value;
    }),
  }),
  midi: exported,
  wav: exported,
};

/**
 * A request with all that was left out, or a `Problem` of status 422.
 * @param {string} verb
 * @param {unknown} request
 */
export function checked(verb, request) {
  if (!Object.hasOwn(SCHEMAS, verb)) throw misfit(`there is no verb ${verb}`);
  return SCHEMAS[/** @type {Verb} */ (verb)](request, "");
}
