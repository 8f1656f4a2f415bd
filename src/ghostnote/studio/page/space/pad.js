/**
 * A square with a point on it, which a pointer drags and keys move, and a path, which a pointer
 * draws. It knows neither maps nor grooves: places go from 0 to 1, x to the right, y downwards.
 */

import { h } from "../shell/dom.js";
import { drawn, unit } from "./path.js";

/** @import { Point } from "./path.js" */

const SVG = "http://www.w3.org/2000/svg";
const STEP = 0.02;
const LEAP = 0.1;

/** @type {Record<string, [x: number, y: number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * @typedef {object} PadHow
 * @property {string} name
 * @property {(place: Point) => string} tell a place in words
 * @property {(place: Point, gesture: number) => void} onmove the point was moved; the moves of one
 *   gesture have one number
 * @property {(path: readonly Point[]) => void} onpath the path is another one
 */

export class Pad {
  /** @type {Point} */
  #place = { x: 0.5, y: 0.5 };
  /** @type {readonly Point[]} */
  #path = [];
  #gesture = 0;
  #drawing = false;
  #off = false;

  /** @param {PadHow} how */
  constructor(how) {
    this.how = how;
    this.picture = document.createElementNS(SVG, "svg");
    this.picture.setAttribute("viewBox", "0 0 100 100");
    this.picture.setAttribute("aria-hidden", "true");
    this.line = document.createElementNS(SVG, "polyline");
    this.line.setAttribute("class", "path");
    this.beginning = document.createElementNS(SVG, "circle");
    this.beginning.setAttribute("class", "path-start");
    this.beginning.setAttribute("r", "1.6");
    this.picture.append(this.line, this.beginning);
    this.handle = h("div", { class: "handle", role: "slider", tabindex: 0, "aria-label": how.name,
      "aria-valuemin": 0, "aria-valuemax": 100,
      title: "Drag, or move with the arrow keys; with Shift in larger steps" });
    this.root = h("div", { class: "pad" }, this.picture, this.handle);
    this.root.addEventListener("pointerdown", (event) => this.#down(event));
    this.handle.addEventListener("keydown", (event) => this.#key(event));
    this.handle.addEventListener("focus", () => this.#gesture++);
    this.#show();
    this.#trace();
  }

  get place() {
    return this.#place;
  }

  /** Moving it from outside tells nobody. */
  set place(place) {
    this.#place = { x: unit(place.x), y: unit(place.y) };
    this.#show();
  }

  get path() {
    return this.#path;
  }

  set path(path) {
    this.#path = path;
    this.#trace();
    this.how.onpath(path);
  }

  #trace() {
    const path = this.#path;
    this.line.setAttribute("points", path.map(({ x, y }) => `${100 * x},${100 * y}`).join(" "));
    this.beginning.setAttribute("visibility", path.length ? "visible" : "hidden");
    this.beginning.setAttribute("cx", String(100 * (path[0]?.x ?? 0)));
    this.beginning.setAttribute("cy", String(100 * (path[0]?.y ?? 0)));
  }

  get drawing() {
    return this.#drawing;
  }

  /** Whether the next drag draws a path rather than moving the point. */
  set drawing(drawing) {
    this.#drawing = drawing;
    this.root.classList.toggle("drawing", drawing);
  }

  /** Whether there is nothing to play yet. @param {boolean} off */
  set off(off) {
    this.#off = off;
    this.root.classList.toggle("off", off);
    this.handle.setAttribute("aria-disabled", String(off));
  }

  get off() {
    return this.#off;
  }

  /** Words about the place may have become others. */
  refresh() {
    this.#show();
  }

  #show() {
    const { x, y } = this.#place;
    this.handle.style.left = `${100 * x}%`;
    this.handle.style.top = `${100 * y}%`;
    this.handle.setAttribute("aria-valuenow", String(Math.round(100 * x)));
    this.handle.setAttribute("aria-valuetext", this.how.tell(this.#place));
  }

  /** @param {Point} place */
  #move(place) {
    this.place = place;
    this.how.onmove(this.#place, this.#gesture);
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (this.#off || event.button !== 0) return;
    event.preventDefault();
    this.handle.focus();
    this.#gesture++;
    const draws = this.#drawing;
    const box = this.root.getBoundingClientRect();
    /** @param {PointerEvent} event */
    const at = ({ clientX, clientY }) =>
      ({ x: unit((clientX - box.left) / box.width), y: unit((clientY - box.top) / box.height) });
    /** @param {PointerEvent} event */
    const go = (event) => {
      const place = at(event);
      if (draws) this.path = drawn(this.#path, place);
      else this.#move(place);
    };
    if (draws) this.path = [];
    this.root.setPointerCapture(event.pointerId);
    go(event);
    const ended = new AbortController();
    const { signal } = ended;
    this.root.addEventListener("pointermove", go, { signal });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      this.root.addEventListener(end, () => {
        ended.abort();
        if (draws) this.drawing = false;
        if (draws) this.how.onpath(this.#path);
      }, { signal });
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const arrow = ARROWS[event.key];
    if (!arrow || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (this.#off) return;
    const size = event.shiftKey ? LEAP : STEP;
    const { x, y } = this.#place;
    this.#move({ x: x + arrow[0] * size, y: y + arrow[1] * size });
  }
}
