/** A groove as a small picture: one line a voice, one mark a hit. */

import { VOICES, stepsOf } from "../state/groove.js";

/** @import { Groove } from "../engine/types.js" */

const SVG = "http://www.w3.org/2000/svg";
const FAMILIES = ["kick", "snare", "hats", "hats", "toms", "toms", "toms", "cymbals", "cymbals"];

/**
 * @param {Groove} groove
 * @returns {SVGSVGElement}
 */
export function roll(groove) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("class", "roll");
  picture.setAttribute("viewBox", `0 0 ${stepsOf(groove)} ${VOICES.length}`);
  picture.setAttribute("preserveAspectRatio", "none");
  picture.setAttribute("aria-hidden", "true");
  for (const [step, voice, velocity, offset] of groove.hits) {
    const mark = document.createElementNS(SVG, "rect");
    const height = 0.45 + 0.5 * velocity;
    const sides = {
      x: step + Math.max(0, offset), y: VOICES.length - voice - 0.5 - height / 2, width: 0.9, height,
    };
    for (const [side, value] of Object.entries(sides)) mark.setAttribute(side, value.toFixed(2));
    mark.setAttribute("class", FAMILIES[voice]);
    picture.append(mark);
  }
  return picture;
}
