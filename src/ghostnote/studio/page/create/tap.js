/** A rhythm tapped on the space bar, the pad of the page, or a MIDI pad. */

import { hitAt, secondsPerStep, silent, stepsOf, stepsPerBar, withCells } from "../state/groove.js";
import { counted, h, icon } from "../shell/dom.js";

/** @import { Groove, Hit } from "../engine/types.js" */
/** @import { Studio } from "../state/studio.js" */

const BARS = 4;
const COUNT_IN = 1;
const VELOCITY = 0.75;
/** What is tapped; the model hears a rhythm, in whatever voice. */
const VOICE = 1;

/** @typedef {{seconds: number, velocity: number}} Tap counted from the first beat */

/**
 * Taps on the grid.
 * @param {Tap[]} taps
 * @param {{bpm: number, bars: number, quantised: boolean}} how
 * @returns {Groove} of as many bars; a tap a little ahead of the first beat is on it, and of two on
 *   one step the first counts
 */
export function rhythmOf(taps, { bpm, bars, quantised }) {
  let rhythm = silent(bars, bpm);
  for (const { seconds, velocity } of taps) {
    const place = Math.max(0, seconds / secondsPerStep(rhythm));
    const step = Math.floor(place + 0.5);
    if (step >= stepsOf(rhythm) || hitAt(rhythm, step, VOICE)) continue;
    const offset = quantised ? 0 : place - step;
    rhythm = withCells(rhythm, [[step, VOICE, { velocity, offset }]]);
  }
  return rhythm;
}

/**
 * The first bars of a rhythm over and over, up to the length of `rhythm`.
 * @param {Groove} rhythm
 * @param {number} bars
 * @returns {Groove}
 */
export function tiled(rhythm, bars) {
  const length = bars * stepsPerBar(rhythm);
  const first = rhythm.hits.filter(([step]) => step < length);
  const times = Math.floor(rhythm.bars / bars);
  /** @type {Hit[][]} */
  const hits = Array.from({ length: times }, (_, time) =>
    first.map(([step, ...rest]) => [step + time * length, ...rest]));
  return { ...rhythm, hits: hits.flat() };
}

/**
 * @param {Studio} studio
 * @param {(rhythm: Groove) => Promise<boolean>} tapped
 * @returns {{root: HTMLElement, button: HTMLButtonElement}}
 */
export function tapControl(studio, tapped) {
  const { transport } = studio;
  /** @type {{start: number, taps: Tap[], end: () => void} | null} */
  let armed = null;

  const quantised = h("input", { type: "checkbox" });
  const button = h("button", { type: "button", "aria-pressed": "false", "data-shortcut": "tap",
    title: "Tap a rhythm (T)" }, icon("tap"), "Tap");
  const count = h("span", { text: "Tap here" });
  const pad = h("button", { type: "button", class: "tap-pad", hidden: true }, count);
  const root = h("div", { class: "tap" },
    h("label", { class: "check" }, quantised, "Quantise"), pad);

  /** @param {string} text */
  const show = (text) => {
    count.textContent = text;
  };

  /** @param {number} milliseconds of `performance.now()` @param {number} [velocity] */
  const tap = (milliseconds, velocity = VELOCITY) => {
    if (!armed) return;
    const seconds = transport.fromPerformance(milliseconds) - armed.start;
    // What comes in the count-in belongs to nobody; half a beat ahead is a little early.
    if (seconds < -30 / transport.bpm) return;
    armed.taps.push({ seconds, velocity });
    void transport.hit(VOICE, velocity);
    show(counted(armed.taps.length, "tap"));
    pad.classList.remove("struck");
    void pad.offsetWidth; // starts the animation anew
    pad.classList.add("struck");
  };

  const arm = async () => {
    const { bpm } = transport;
    const ended = [
      transport.on("start", ({ time }) => {
        if (armed) armed.start = time;
      }),
      transport.on("stop", () => void finish()),
    ];
    /** @param {KeyboardEvent} event */
    const key = (event) => {
      if (event.key !== " " && event.key !== "Escape") return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (event.key === "Escape") transport.stop();
      else if (!event.repeat) tap(event.timeStamp);
    };
    /** @param {KeyboardEvent} event */
    const keyUp = (event) => {
      if (event.key === " ") event.preventDefault();
    };
    addEventListener("keydown", key, true);
    addEventListener("keyup", keyUp, true);
    ended.push(() => removeEventListener("keydown", key, true));
    ended.push(() => removeEventListener("keyup", keyUp, true));
    transport.stop();
    armed = { start: Infinity, taps: [], end: () => ended.forEach((each) => each()) };
    button.setAttribute("aria-pressed", "true");
    pad.hidden = false;
    show("Listen, then tap: Space or here");
    studio.say("One bar of clicks, then tap with Space");
    try {
      await transport.play({ groove: silent(BARS, bpm), countIn: COUNT_IN, metronome: true,
        loop: false });
    } catch (error) {
      disarm();
      studio.fail(error);
    }
  };

  const disarm = () => {
    armed?.end();
    armed = null;
    button.setAttribute("aria-pressed", "false");
    pad.hidden = true;
  };

  const finish = async () => {
    if (!armed) return;
    const { taps } = armed;
    disarm();
    const rhythm = rhythmOf(taps, { bpm: transport.bpm, bars: BARS, quantised: quantised.checked });
    if (!rhythm.hits.length) return studio.say("Nothing was tapped");
    const last = rhythm.hits[rhythm.hits.length - 1][0];
    const bars = last < 16 ? 1 : last < 32 ? 2 : BARS;
    if (await tapped(tiled(rhythm, bars))) await transport.play();
  };

  button.addEventListener("click", () => void (armed ? transport.stop() : arm()));
  pad.addEventListener("pointerdown", (event) => tap(event.timeStamp));
  studio.on("tap", ({ time, velocity }) => tap(time, velocity));
  return { root, button };
}
