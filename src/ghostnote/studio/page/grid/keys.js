/** The grid by keyboard: one cell can be tabbed to, arrows go on from there. */

import { hitAt, stepsOf, VOICES } from "../state/groove.js";
import { setOffset, setVelocity, tell, toggle, toggleHearing, toggleLock } from "./edits.js";

/** @import { Studio } from "../state/studio.js" */
/** @import { Sheet } from "./sheet.js" */

const VELOCITY_STEP = 5 / 127;
const OFFSET_STEP = 0.02;

/**
 * @param {Sheet} sheet
 * @param {Studio} studio
 * @param {(bar: number) => void} reveal shows the bar
 */
export function mountKeys(sheet, studio, reveal) {
  sheet.body.addEventListener("keydown", (event) => {
    const cell = sheet.cellOf(event.target);
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    const { step, voice } = cell;
    const bar = sheet.perBar;
    const start = step - (step % bar);

    /** @param {number} to @param {number} [on] */
    const go = (to, on = voice) => {
      const target = Math.min(stepsOf(studio.groove) - 1, Math.max(0, to));
      reveal(Math.floor(target / bar));
      sheet.enter(target, Math.min(VOICES.length - 1, Math.max(0, on)));
    };
    /** @param {number} by */
    const louder = (by) => {
      const hit = hitAt(studio.groove, step, voice);
      if (hit) setVelocity(studio, step, voice, hit[2] + by, { merge: `louder ${step} ${voice}` });
      tell(studio, step, voice);
    };
    /** @param {number} by */
    const later = (by) => {
      const hit = hitAt(studio.groove, step, voice);
      if (hit) setOffset(studio, step, voice, hit[3] + by, `later ${step} ${voice}`);
      tell(studio, step, voice);
    };

    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowLeft: () => go(step - 1),
      ArrowRight: () => go(step + 1),
      ArrowUp: () => go(step, voice + 1),
      ArrowDown: () => go(step, voice - 1),
      Home: () => go(start),
      End: () => go(start + bar - 1),
      PageUp: () => go(step - bar),
      PageDown: () => go(step + bar),
      " ": () => toggle(studio, step, voice),
      Enter: () => toggle(studio, step, voice),
      Delete: () => hitAt(studio.groove, step, voice) && toggle(studio, step, voice),
      "+": () => louder(VELOCITY_STEP),
      "=": () => louder(VELOCITY_STEP),
      "-": () => louder(-VELOCITY_STEP),
      "<": () => later(-OFFSET_STEP),
      ",": () => later(-OFFSET_STEP),
      ">": () => later(OFFSET_STEP),
      ".": () => later(OFFSET_STEP),
      m: () => toggleHearing(studio, "mutes", voice),
      s: () => toggleHearing(studio, "solos", voice),
      l: () => toggleLock(studio, "voices", voice),
      L: () => toggleLock(studio, "bars", Math.floor(step / bar)),
    };
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });

  sheet.body.addEventListener("focusin", (event) => {
    const cell = sheet.cellOf(event.target);
    if (cell) sheet.enter(cell.step, cell.voice, false);
  });
}
