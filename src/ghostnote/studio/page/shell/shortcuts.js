/** Keys that work everywhere on the page. */

/** @import { Studio } from "../state/studio.js" */

const KEY = "ghostnote-shortcuts";

/** Single letters can be in the way of speech input, so that they can be turned off. */
export const letters = {
  get on() {
    try {
      return localStorage.getItem(KEY) !== "off";
    } catch {
      return true;
    }
  },
  set on(on) {
    try {
      localStorage.setItem(KEY, on ? "on" : "off");
    } catch {
      // Storage can be forbidden; then the choice lasts as long as the default.
    }
  },
};

/**
 * Key → `data-shortcut` of the control that it presses, so that a key does what the button does.
 * @type {Record<string, string>}
 */
const PRESSES = {
  p: "play", n: "sample", v: "vary", w: "infill", h: "humanize", t: "tap", r: "again", "?": "help",
};

/** @param {Studio} studio */
export function mountShortcuts(studio) {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented) return;
    const target = event.target instanceof Element ? event.target : document.body;
    if (document.querySelector("dialog[open]") || writes(target)) return;
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && !event.altKey) {
      if (key === "z") event.shiftKey ? studio.redo() : studio.undo();
      else if (key === "y") studio.redo();
      else return;
      event.preventDefault();
    } else if (!event.ctrlKey && !event.metaKey && !event.altKey) {
      if (event.key === "Escape") studio.cancel();
      else if (event.key === " " && !target.closest(OPERABLE)) press("play");
      else if (letters.on && Object.hasOwn(PRESSES, key) && !event.repeat) press(PRESSES[key]);
      else return;
      event.preventDefault();
    }
  });
}

const OPERABLE = "button, a[href], input, select, summary, [role=gridcell], [tabindex='0']";

/** @param {Element} target */
const writes = (target) =>
  target.matches("input:not([type=range], [type=checkbox], [type=radio]), select, textarea");

/** @param {string} name */
function press(name) {
  const control = document.querySelector(`[data-shortcut="${name}"]`);
  if (control instanceof HTMLElement) control.click();
}
