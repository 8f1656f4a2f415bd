/** Four corners, each with a groove of one's own, between which a point plays. */

import { carriedGroove, carriesGroove } from "../files/transfer.js";
import { counted, h } from "../shell/dom.js";
import { roll } from "../tray/roll.js";
import { trayOf } from "../tray/tray.js";

/** @import { Groove } from "../engine/types.js" */
/** @import { Studio } from "../state/studio.js" */

/** In the order of `blend`: top left, top right, bottom left, bottom right. */
export const LETTERS = ["A", "B", "C", "D"];

/** @typedef {{name: string, groove: Groove}} Corner */

export class Corners {
  /** @type {(Corner | null)[]} */
  #corners = LETTERS.map(() => null);

  /**
   * @param {Studio} studio
   * @param {HTMLElement} pad where the letters stand in the corners
   * @param {() => void} onchange
   */
  constructor(studio, pad, onchange) {
    this.studio = studio;
    this.onchange = onchange;
    this.badges = LETTERS.map((letter) =>
      h("div", { class: `corner corner-${letter}`, "aria-hidden": "true", text: letter }));
    this.cards = LETTERS.map((letter, index) =>
      h("div", { class: "corner-card", role: "group", "aria-label": `Corner ${letter}`,
        "data-corner": index }));
    pad.append(...this.badges);
    this.badges.forEach((badge, index) => this.#dropped(badge, index));
    this.cards.forEach((card, index) => this.#dropped(card, index));
    this.root = h("div", { class: "corner-cards" }, ...this.cards);
    trayOf(studio).on("change", () => this.#show());
    this.#show();
  }

  /** The four grooves, or null while one is missing. */
  get grooves() {
    const grooves = this.#corners.flatMap((corner) => (corner ? [corner.groove] : []));
    return grooves.length === LETTERS.length ? grooves : null;
  }

  /**
   * @param {number} index
   * @param {Corner} corner
   */
  fill(index, corner) {
    this.#corners[index] = corner;
    this.#show();
    this.studio.say(`Corner ${LETTERS[index]}: ${corner.name}`);
    this.onchange();
  }

  /**
   * @param {HTMLElement} target
   * @param {number} index
   */
  #dropped(target, index) {
    target.addEventListener("dragover", (event) => {
      if (!carriesGroove(event)) return;
      event.preventDefault();
      target.classList.add("over");
    });
    target.addEventListener("dragleave", () => target.classList.remove("over"));
    target.addEventListener("drop", (event) => {
      target.classList.remove("over");
      const carried = carriedGroove(event.dataTransfer);
      if (!carried) return;
      event.preventDefault();
      this.fill(index, carried);
    });
  }

  #show() {
    const { loops } = trayOf(this.studio);
    this.cards.forEach((card, index) => {
      const corner = this.#corners[index];
      const letter = LETTERS[index];
      const choice = h("select", { "aria-label": `Fill corner ${letter}` },
        new Option("Fill with …", ""), new Option("the groove in the grid", "current"),
        ...loops.map(({ id, name }) => new Option(name, id)));
      choice.addEventListener("change", () => {
        const loop = loops.find(({ id }) => id === choice.value);
        const label = this.studio.past.at(-1)?.label ?? "Groove";
        this.fill(index, loop ?? { name: label, groove: this.studio.groove });
        card.querySelector("select")?.focus();
      });
      this.badges[index].classList.toggle("filled", corner !== null);
      card.replaceChildren(
        h("div", { class: "corner-head" }, h("strong", { text: letter }),
          h("span", { class: "hint", text: corner
            ? `${corner.name}, ${counted(corner.groove.bars, "bar")}` : "empty" })),
        corner ? roll(corner.groove) : h("div", { class: "roll" }),
        choice,
      );
    });
  }
}
