/**
 * The cells as elements. They are made once for a size, and only those that change are touched.
 */

import { cellsOf, hitAt, SHORT_NAMES, stepsPerBar, VOICES } from "../state/groove.js";
import { h, icon } from "../shell/dom.js";
import { audition, cellName, toggleHearing, toggleLock } from "./edits.js";

/** @import { Hit } from "../engine/types.js" */
/** @import { Studio } from "../state/studio.js" */

/** A voice's family, which has one colour. */
const FAMILIES = ["kick", "snare", "hats", "hats", "toms", "toms", "toms", "cymbals", "cymbals"];

/**
 * @typedef {object} View
 * @property {number} first the first bar that is shown
 * @property {number} bars how many are shown
 */

/**
 * @typedef {object} Cell
 * @property {HTMLElement} element
 * @property {number} step
 * @property {number} voice
 */

export class Sheet {
  /** @type {HTMLElement[][]} `[voice][column]` */
  #cells = [];
  /** @type {(Hit | undefined)[]} what each cell shows */
  #shown = [];
  #size = "";
  /** @type {HTMLElement | null} */
  #entry = null;
  /** @type {HTMLElement[]} */
  #lit = [];
  /** @type {HTMLElement[]} */
  #rows = [];

  /** @param {Studio} studio */
  constructor(studio) {
    this.studio = studio;
    /** @type {View} */
    this.view = { first: 0, bars: 4 };
    this.playhead = h("div", { class: "playhead", "aria-hidden": "true" });
    this.body = h("div", { class: "rows", role: "grid", "aria-describedby": "grid-keys" });
    this.barHeads = h("div", { class: "bar-heads", role: "group", "aria-label": "Bars" });
    this.root = h("div", { class: "sheet" }, this.barHeads, this.body, this.playhead);
  }

  get perBar() {
    return stepsPerBar(this.studio.groove);
  }

  /** How many columns there are. */
  get columns() {
    return this.#cells[0]?.length ?? 0;
  }

  /** The step of the first column. */
  get start() {
    return this.view.first * this.perBar;
  }

  /**
   * Shows these bars, and what is in them.
   * @param {View} view
   */
  show(view) {
    this.view = view;
    const size = `${view.bars} of ${this.perBar}`;
    if (size !== this.#size) {
      this.#size = size;
      this.#build(view.bars * this.perBar);
    }
    this.update(true);
  }

  /**
   * Brings cells and heads up to the studio's state.
   * @param {boolean} [moved] whether cells stand for other steps than before
   */
  update(moved = false) {
    const { groove } = this.studio;
    const { perBar, start } = this;
    const cells = cellsOf(groove);
    for (let voice = 0; voice < VOICES.length; voice++) {
      for (let column = 0; column < this.columns; column++) {
        const step = start + column;
        const index = voice * this.columns + column;
        const hit = cells.get(step * VOICES.length + voice);
        if (!moved && sameHit(hit, this.#shown[index])) continue;
        this.#shown[index] = hit;
        paintCell(this.#cells[voice][column], cellName(step, voice, perBar, hit), hit);
      }
    }
    this.#updateHeads();
  }

  /**
   * The cell that an element is.
   * @param {EventTarget | null} target
   * @returns {Cell | null}
   */
  cellOf(target) {
    const element = target instanceof Element ? target.closest("[role=gridcell]") : null;
    if (!(element instanceof HTMLElement) || !this.body.contains(element)) return null;
    const { voice, column } = element.dataset;
    return { element, step: this.start + Number(column), voice: Number(voice) };
  }

  /**
   * The step that is at `x` of the window, as far as one is shown.
   * @param {number} x
   */
  stepAt(x) {
    const [from, to] = this.extent();
    const column = Math.floor(((x - from) / (to - from)) * this.columns);
    return this.start + Math.min(this.columns - 1, Math.max(0, column));
  }

  /** Where the cells begin and end, in the window. */
  extent() {
    const row = this.#cells[0];
    return [row[0].getBoundingClientRect().left, row[row.length - 1].getBoundingClientRect().right];
  }

  /**
   * Moves the keyboard to a cell that is shown.
   * @param {number} step
   * @param {number} voice
   * @param {boolean} [focus]
   */
  enter(step, voice, focus = true) {
    const cell = this.#cells[voice][step - this.start];
    if (!cell) return;
    if (this.#entry) this.#entry.tabIndex = -1;
    cell.tabIndex = 0;
    this.#entry = cell;
    if (focus) cell.focus({ preventScroll: true });
  }

  /**
   * Lights up the hits of a step, and no others.
   * @param {number | null} step
   */
  light(step) {
    for (const cell of this.#lit) cell.classList.remove("lit");
    this.#lit = [];
    if (step === null) return;
    const column = step - this.start;
    for (let voice = 0; voice < VOICES.length; voice++) {
      const cell = this.#cells[voice][column];
      if (!cell || !hitAt(this.studio.groove, step, voice)) continue;
      cell.classList.add("lit");
      this.#lit.push(cell);
    }
  }

  /** @param {number} columns */
  #build(columns) {
    const { studio, perBar } = this;
    this.root.style.setProperty("--columns", String(columns));
    this.#shown = [];
    this.#lit = [];
    this.#entry = null;
    const beat = 16 / studio.groove.meter[1];
    this.#cells = VOICES.map((_, voice) =>
      Array.from({ length: columns }, (_, column) => {
        const inBar = column % perBar;
        const beatClass = Math.floor(inBar / beat) % 2 ? "cell off-beat" : "cell";
        const line = inBar === 0 ? " bar-line" : inBar % beat === 0 ? " beat-line" : "";
        return h("div", {
          role: "gridcell", class: beatClass + line, tabindex: -1,
          "data-voice": voice, "data-column": column,
        });
      }));
    const heads = VOICES.map((_, voice) => voiceHead(studio, voice));
    this.#rows = VOICES.map((_, voice) =>
      h("div", { role: "row", class: `voice ${FAMILIES[voice]}` },
        heads[voice], ...this.#cells[voice]));
    // Kick at the bottom, as drum parts are written.
    this.body.replaceChildren(...[...this.#rows].reverse());
    this.enter(this.start, 0, false);
  }

  #updateHeads() {
    const { studio, view, perBar } = this;
    const { locks, mutes, solos, groove } = studio.state;
    this.body.setAttribute("aria-label",
      `Groove: ${VOICES.length} voices by ${perBar * groove.bars} steps, ` +
      `bars ${view.first + 1} to ${view.first + view.bars} shown`);
    this.#rows.forEach((row, voice) => {
      press(row, "mute", mutes.has(voice));
      press(row, "solo", solos.has(voice));
      press(row, "lock", locks.voices.has(voice));
      row.classList.toggle("silent", mutes.has(voice) || (solos.size > 0 && !solos.has(voice)));
      row.classList.toggle("locked", locks.voices.has(voice));
    });
    while (this.barHeads.childElementCount > view.bars) this.barHeads.lastElementChild?.remove();
    while (this.barHeads.childElementCount < view.bars) {
      const place = this.barHeads.childElementCount;
      this.barHeads.append(h("button", { type: "button", class: "bar-head",
        onclick: () => toggleLock(studio, "bars", this.view.first + place) }));
    }
    [...this.barHeads.children].forEach((button, place) => {
      const bar = view.first + place;
      const locked = locks.bars.has(bar);
      const shown = `${bar} ${locked} ${this.#size}`;
      if (!(button instanceof HTMLElement) || button.dataset.shown === shown) return;
      button.dataset.shown = shown;
      button.setAttribute("aria-pressed", String(locked));
      button.setAttribute("aria-label", `Lock bar ${bar + 1}`);
      button.title = locked ? "Locked: stays as it is" : "Lock this bar";
      button.replaceChildren(`Bar ${bar + 1}`, icon(locked ? "lock" : "unlock"));
      for (const row of this.#cells) {
        for (const cell of row.slice(place * perBar, (place + 1) * perBar)) {
          cell.classList.toggle("kept", locked);
        }
      }
    });
  }
}

/**
 * @param {HTMLElement} row
 * @param {string} what
 * @param {boolean} pressed
 */
function press(row, what, pressed) {
  row.querySelector(`.${what}`)?.setAttribute("aria-pressed", String(pressed));
}

/**
 * A voice's name, which sounds when pressed, and its mute, solo and lock.
 * @param {Studio} studio
 * @param {number} voice
 */
function voiceHead(studio, voice) {
  const name = VOICES[voice];
  /**
   * @param {string} what
   * @param {string} label
   * @param {Node | string} face
   * @param {() => void} onclick
   */
  const button = (what, label, face, onclick) =>
    h("button", { type: "button", class: what, tabindex: -1, "aria-pressed": "false",
      "aria-label": label, title: label, onclick }, face);
  return h("div", { role: "rowheader", class: "voice-head", "aria-label": name },
    h("button", { type: "button", class: "name", tabindex: -1, "aria-label": `Hear ${name}`,
      title: `Hear ${name}`, onclick: () => audition(studio, voice, 0.8) },
      h("span", { class: "long", text: name }),
      h("span", { class: "short", text: SHORT_NAMES[voice] })),
    button("mute", `Mute ${name}`, "M", () => toggleHearing(studio, "mutes", voice)),
    button("solo", `Solo ${name}`, "S", () => toggleHearing(studio, "solos", voice)),
    button("lock", `Lock ${name}`, icon("lock"), () => toggleLock(studio, "voices", voice)));
}

/**
 * @param {HTMLElement} cell
 * @param {string} name
 * @param {Hit | undefined} hit
 */
function paintCell(cell, name, hit) {
  cell.setAttribute("aria-label", name);
  cell.classList.toggle("hit", hit !== undefined);
  if (!hit) return;
  cell.style.setProperty("--velocity", hit[2].toFixed(3));
  cell.style.setProperty("--offset", hit[3].toFixed(3));
}

/**
 * @param {Hit | undefined} a
 * @param {Hit | undefined} b
 */
const sameHit = (a, b) => a?.[2] === b?.[2] && a?.[3] === b?.[3];
