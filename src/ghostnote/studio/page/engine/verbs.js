/** The verbs, as `studio/verbs.py`: each takes a request to the pipeline, and gives plain values. */

import { SLOWEST, midiBytes } from "../files/midi.js";
import { DEFAULT } from "./bundle.js";
import { general, refused } from "./errors.js";
import { Groove, concatenate } from "./music/groove.js";
import { toGroove, reportLine } from "./music/grid.js";
import { N_VOICES } from "./music/kit.js";
import { parseMidi } from "./music/midi.js";
import * as attributes from "./pipeline/attributes.js";
import * as continuing from "./pipeline/continuing.js";
import * as humanising from "./pipeline/humanising.js";
import * as infilling from "./pipeline/infilling.js";
import * as interpolation from "./pipeline/interpolation.js";
import * as maps from "./pipeline/map.js";
import { reconstruct as reconstructed } from "./pipeline/reconstruction.js";
import { sample as sampled } from "./pipeline/sampling.js";
import * as scoring from "./pipeline/scoring.js";
import * as tapping from "./pipeline/tapping.js";
import * as variation from "./pipeline/variation.js";
import { MAX_BARS, checked } from "./schemas.js";

/** @import { Models } from "./models.js" */
/** @import { Runtime } from "./runtime.js" */
/** @import { Requests, Responses } from "./types.js" */

const MAX_STEPS = MAX_BARS * 16;

/**
 * A request whose every field is there; those that were left out are null.
 * @typedef {any} Asked
 */

/**
 * @param {Models} models
 * @param {Asked} asked
 */
async function sample(models, asked) {
  const runtime = await models.runtime("sample", asked.model);
  const { bundle } = runtime;
  let grooves = await sampled(runtime, asked.n, {
    ...asked, beatType: asked.beat_type, near: asked.near && Groove.from(asked.near),
  });
  if (asked.bars !== null || asked.fill_every !== null) {
    const load = async () => (bundle.name === DEFAULT ? models.runtime("continue") : runtime);
    const length = asked.bars ?? grooves[0].bars;
    grooves = await continuing.lengthen(load, grooves, length, asked.fill_every, asked);
  }
  return { ...drawn(runtime, asked, bundle.temperature), grooves: all(grooves) };
}

/**
 * @param {Models} models
 * @param {Asked} asked
 */
async function vary(models, asked) {
  const runtime = await models.runtime("vary", asked.model);
  const grooves = await variation.vary(runtime, Groove.from(asked.groove), asked.n, cool(asked));
  return { ...drawn(runtime, asked), grooves: all(grooves) };
}

/**
 * @param {Models} models
 * @param {Asked} asked
 */
async function interpolate(models, asked) {
  const runtime = await models.runtime("interpolate", asked.model);
  const [a, b] = [Groove.from(asked.a), Groove.from(asked.b)];
  const grooves = await interpolation.interpolate(runtime, a, b, asked.n, cool(asked));
  return { ...drawn(runtime, asked), grooves: all(grooves) };
}

/**
 * @param {Models} models
 * @param {Asked} asked
 */
async function blend(models, asked) {
  const runtime = await models.runtime("blend", asked.model);
  const corners = asked.corners.map(Groove.from);
  const groove = await interpolation.blend(runtime, corners, asked.x, asked.y, cool(asked));
  return { ...drawn(runtime, asked), groove: groove.plain };
}

/**
 * @param {Models} models
 * @param {Asked} asked
 */
async function place(models, asked) {
  const runtime = await models.runtime("place", asked.model);
  const plane = await models.plane("place", asked.model);
  const groove = await maps.place(runtime, plane, asked.x, asked.y, asked);
  return { ...drawn(runtime, asked, runtime.bundle.temperature), groove: groove.plain };
}

/**
 * @param {Models} models
 * @param {Asked} asked
 */
async function reconstruct(models, asked) {
  const runtime = await models.runtime("reconstruct", asked.model);
  const done = await reconstructed(runtime, Groove.from(asked.groove), cool(asked));
  return { ...drawn(runtime, asked), groove: done.groove.plain, bits: done.bits };
}

/**
 * @param {Models} models
 * @param {Asked} asked
 */
async function humanize(models, asked) {
  const runtime = await models.runtime("humanize", asked.model);
  const groove = await humanising.humanize(runtime, Groove.from(asked.groove), asked);
  return { ...drawn(runtime, asked, runtime.bundle.temperature), groove: groove.plain };
}

/**
 * @param {Models} models
 * @param {Asked} asked
 */
async function tap(models, asked) {
  const runtime = await models.runtime("tap", asked.model);
  const groove = await tapping.tap(runtime, rhythmOf(asked), asked);
  return { ...drawn(runtime, asked, runtime.bundle.temperature), groove: groove.plain };
}

/** @param {Asked} asked */
function rhythmOf({ groove, times, bpm }) {
  if ((groove === null) === (times === null)) {
    throw refused("taps are a groove or times", "give one of them");
  }
  if (groove !== null) return Groove.from(groove).replace(bpm);
  if (bpm === null) throw refused("times need a tempo", "give bpm");
  return short(tapping.rhythmAt(times, bpm));
}

/**
 * @param {Models} models
 * @param {Asked} asked
 */
async function infill(models, asked) {
  const runtime = await models.runtime("infill", asked.model);
  const groove = Groove.from(asked.groove);
  const kept = infilling.cells(groove, asked.keep);
  for (const [step, voice] of asked.keep.cells) {
    if (step >= groove.steps) {
      throw refused(`there is no step ${step}`, `steps are 0 to ${groove.steps - 1} here`);
    }
    kept[step * N_VOICES + voice] = 1;
  }
  const { seed, temperature } = asked;
  const [filled] = await infilling.infillAll(runtime, [groove], [kept], { seed, temperature });
  return { ...drawn(runtime, asked, runtime.bundle.temperature), groove: filled.plain };
}

/**
 * @param {Models} models
 * @param {Asked} asked
 */
async function continued(models, asked) {
  const runtime = await models.runtime("continue", asked.model);
  const groove = Groove.from(asked.groove);
  const { bars, fill_every: fillEvery, seed, temperature } = asked;
  if (groove.bars + bars > MAX_BARS) {
    throw refused(
      `${groove.bars} bars and ${bars} more are ${groove.bars + bars}`,
      `at most ${MAX_BARS} in all`,
    );
  }
  const drawing = { seed, temperature };
  const longer = await continuing.continued(runtime, groove, bars, fillEvery, drawing);
  return { ...drawn(runtime, asked, runtime.bundle.temperature), groove: longer.plain };
}

/**
 * @param {Models} models
 * @param {Asked} asked
 */
async function attribute(models, asked) {
  const runtime = await models.runtime("attribute", asked.model);
  const { bundle } = runtime;
  let shift = new Float32Array(bundle.latent);
  for (const [name, amount] of Object.entries(asked.amounts)) {
    const by = bundle.shift(name, /** @type {number} */ (amount));
    shift = shift.map((value, i) => value + by[i]);
  }
  const groove = await attributes.moved(runtime, Groove.from(asked.groove), shift, asked);
  return { ...drawn(runtime, asked, null), groove: groove.plain };
}

/**
 * @param {Models} models
 * @param {Asked} asked
 * @returns {Promise<Responses["score"]>}
 */
async function score(models, asked) {
  const runtime = await models.runtime("score", asked.model);
  const { cells, byBar } = await scoring.score(runtime, Groove.from(asked.groove));
  return {
    model: runtime.bundle.name,
    bits: byBar,
    cells: Array.from(cells, (bits, cell) =>
      [Math.floor(cell / N_VOICES), cell % N_VOICES, bits]),
  };
}

/**
 * @param {Models} models
 * @returns {Promise<Responses["models"]>}
 */
async function list(models) {
  const { version, models: known } = await models.manifest;
  return { version, models: known };
}

/**
 * @param {Models} models
 * @param {Asked} asked
 * @returns {Promise<Responses["map"]>}
 */
async function styleMap(models, asked) {
  const { points, styles, extent } = await models.plane("map", asked.model);
  return { points, styles, extent };
}

/** @param {Models} models */
const kit = async (models) => (await models.manifest).kit;

/**
 * The drums of a MIDI file; of a long one, as many bars as a groove may have here.
 * @param {Models} _
 * @param {Asked} asked
 * @returns {Promise<Responses["read"]>}
 */
async function read(_, { bytes }) {
  const performance = parseMidi(bytes);
  const { groove, report } = toGroove(performance);
  const most = Math.min(MAX_BARS, Math.floor(MAX_STEPS / groove.stepsPerBar));
  const cut = Math.max(0, groove.bars - most);
  return {
    groove: groove.slice(0, Math.min(most, groove.bars)).plain,
    report: { ...report, bars_cut: cut },
    remarks: [
      ...performance.warnings,
      reportLine(report),
      ...(cut ? [`its first ${most} bars; ${cut} left out`] : []),
    ],
  };
}

/**
 * Grooves, one after another, as a MIDI file.
 * @param {Models} _
 * @param {Asked} asked
 */
async function midi(_, asked) {
  const tempo = asked.bpm ?? asked.grooves[0].bpm;
  const { plain } = short(concatenate(
    /** @type {Requests["midi"]["grooves"]} */ (asked.grooves)
      .map((groove) => Groove.from(groove).replace(tempo)),
  ));
  if (tempo < SLOWEST) {
    throw refused(
      `${general(tempo)} bpm is slower than MIDI can express`, "use at least 3.6 bpm",
    );
  }
  return midiBytes(plain);
}

async function wav() {
  throw refused("audio is made by the page itself here", "use its WAV button");
}

/** @param {Groove} groove */
function short(groove) {
  if (groove.bars > MAX_BARS) {
    throw refused(`${groove.bars} bars are too many`, `at most ${MAX_BARS}`);
  }
  return groove;
}

/** @param {Groove[]} grooves */
const all = (grooves) => grooves.map(({ plain }) => plain);

/** Without a temperature of their own, some verbs play the most likely. @param {Asked} asked */
const cool = (asked) => ({ ...asked, temperature: asked.temperature ?? 0 });

/**
 * What was used: the model, the seed, and the temperature, by default `own`.
 * @param {Runtime} runtime
 * @param {Asked} asked
 * @param {number | null} [own]
 */
const drawn = ({ bundle }, { seed, temperature }, own = 0) =>
  ({ model: bundle.name, seed, temperature: temperature ?? own });

/** @type {Record<string, (models: Models, asked: Asked) => Promise<unknown>>} */
const VERBS = {
  sample, vary, interpolate, blend, place, reconstruct, humanize, tap, infill, continue: continued,
  attribute, score, models: list, map: styleMap, kit, read, midi, wav,
};

/**
 * What a verb answers to a request.
 * @param {Models} models
 * @param {string} verb
 * @param {unknown} request
 */
export async function answer(models, verb, request) {
  return VERBS[verb](models, checked(verb, request));
}
