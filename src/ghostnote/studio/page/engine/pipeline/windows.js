/** Grooves of any length as windows of a model's length, as `pipeline/windows.py`. */

import { refused } from "../errors.js";
import { Groove, concatenate } from "../music/groove.js";
import { toX } from "../runtime.js";

/** @import { Bundle } from "../bundle.js" */

/**
 * `groove` one window after another; the last is filled up with silence.
 * @param {Groove} groove
 * @param {Bundle} bundle
 */
export function windowsOf(groove, bundle) {
  inMeter(groove, bundle);
  const n = Math.ceil(groove.bars / bundle.bars);
  const rest = n * bundle.bars - groove.bars;
  const whole = rest ? concatenate([groove, Groove.silent(rest, groove)]) : groove;
  return Array.from({ length: n }, (_, index) =>
    toX(whole.slice(index * bundle.bars, (index + 1) * bundle.bars)));
}

/**
 * Refuse a groove that the model has no bars for.
 * @param {Groove} groove
 * @param {Bundle} bundle
 */
export function inMeter({ meter }, bundle) {
  if (meter.join("/") !== bundle.meter.join("/")) {
    throw refused(
      `is in ${meter.join("/")}; ${bundle.name} knows ${bundle.meter.join("/")} alone`,
      "choose a model of that meter",
    );
  }
}
