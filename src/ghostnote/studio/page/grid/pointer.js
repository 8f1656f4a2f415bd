/**
 * Mouse, pen and finger in the grid. A click sets or clears. A drag along the row paints or wipes,
 * up and down it changes velocity; with Alt, or with the tool for it, sideways it changes timing.
 */

import { hitAt } from "../state/groove.js";
import { audition, NEW_VELOCITY, paint, setOffset, setVelocity, tell, toggle } from "./edits.js";

/** @import { Studio } from "../state/studio.js" */
/** @import { Sheet } from "./sheet.js" */

/** @typedef {"draw" | "velocity" | "timing"} Tool */

const SLACK = 5;
/** A drag over so many pixels is all of the velocity there is. */
const FULL_VELOCITY = 110;

let drags = 0;

/**
 * @param {Sheet} sheet
 * @param {Studio} studio
 * @param {() => Tool} tool
 * @returns {{readonly dragging: boolean}}
 */
export function mountPointer(sheet, studio, tool) {
  /**
   * @type {null | {
   *   id: number, x: number, y: number, step: number, voice: number, mode: Tool | "paint" | null,
   *   on: boolean, velocity: number, offset: number, width: number, merge: string, last: number,
   * }}
   */
  let drag = null;

  sheet.body.addEventListener("pointerdown", (event) => {
    const cell = sheet.cellOf(event.target);
    if (!cell || event.button !== 0 || drag) return;
    event.preventDefault();
    sheet.enter(cell.step, cell.voice);
    const hit = hitAt(studio.groove, cell.step, cell.voice);
    const chosen = event.altKey ? "timing" : tool();
    drag = {
      id: event.pointerId, x: event.clientX, y: event.clientY, step: cell.step, voice: cell.voice,
      mode: chosen === "draw" ? null : chosen, on: !hit, velocity: hit?.[2] ?? NEW_VELOCITY,
      offset: hit?.[3] ?? 0, width: cell.element.getBoundingClientRect().width,
      merge: `drag ${++drags}`, last: cell.step,
    };
    sheet.body.setPointerCapture(event.pointerId);
  });

  sheet.body.addEventListener("pointermove", (event) => {
    if (!drag || event.pointerId !== drag.id) return;
    const across = event.clientX - drag.x;
    const up = drag.y - event.clientY;
    const here = sheet.stepAt(event.clientX);
    if (drag.mode === null) {
      if (Math.abs(up) > SLACK && Math.abs(up) > Math.abs(across)) drag.mode = "velocity";
      else if (Math.abs(across) > SLACK && here !== drag.step) drag.mode = "paint";
      else return;
    }
    if (drag.mode === "paint") {
      const how = { merge: drag.merge, first: drag.step };
      paint(studio, span(drag.last, here), drag.voice, drag.on, how);
    } else if (drag.mode === "timing") {
      setOffset(studio, drag.step, drag.voice, drag.offset + across / drag.width, drag.merge);
    } else {
      const velocity = drag.velocity + up / FULL_VELOCITY;
      const make = tool() === "draw";
      setVelocity(studio, drag.step, drag.voice, velocity, { merge: drag.merge, make });
      // The tool for loudness brushes over the hits of the row; a drag in a drawing stays in one.
      for (const step of make ? [] : span(drag.last, here)) {
        setVelocity(studio, step, drag.voice, velocity, { merge: drag.merge });
      }
    }
    drag.last = here;
  });

  sheet.body.addEventListener("pointerup", (event) => {
    if (!drag || event.pointerId !== drag.id) return;
    const { mode, step, voice } = drag;
    drag = null;
    if (mode === null) return toggle(studio, step, voice);
    if (mode === "velocity") {
      audition(studio, voice, hitAt(studio.groove, step, voice)?.[2] ?? NEW_VELOCITY);
    }
    tell(studio, step, voice);
  });

  sheet.body.addEventListener("pointercancel", () => {
    drag = null;
  });

  return {
    get dragging() {
      return drag !== null;
    },
  };
}

/**
 * All steps from one to another, in either direction.
 * @param {number} from
 * @param {number} to
 */
function span(from, to) {
  const low = Math.min(from, to);
  return Array.from({ length: Math.abs(to - from) + 1 }, (_, index) => low + index);
}
