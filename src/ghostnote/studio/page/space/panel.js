/** The latent space as two pads: a map of styles, and a square between four grooves. */

import { freshSeed } from "../create/maker.js";
import { downloadMidi } from "../files/transfer.js";
import { counted, freshId, h, icon } from "../shell/dom.js";
import { stepsOf, stepsPerBar } from "../state/groove.js";
import { arranged, evened } from "./arrange.js";
import { Corners, LETTERS } from "./corners.js";
import { Latest } from "./latest.js";
import { Pad } from "./pad.js";
import { MOST_BARS, along, stations } from "./path.js";
import { drawMap, nameOf, styleNear, toMap } from "./stylemap.js";

/** @import { Groove, StyleMap } from "../engine/types.js" */
/** @import { Studio } from "../state/studio.js" */
/** @import { Point } from "./path.js" */

const DEFAULT_BARS = 16;

/**
 * One of the two pads with what belongs to it.
 *
 * @typedef {object} Side
 * @property {string} name
 * @property {Pad} pad
 * @property {HTMLElement} root
 * @property {(place: Point, signal: AbortSignal) => Promise<Groove>} ask
 * @property {(place: Point) => string} label
 */

/**
 * @param {HTMLElement} root
 * @param {Studio} studio
 */
export function mount(root, studio) {
  let seed = freshSeed();
  const readout = h("p", { class: "hint readout" });

  /** @type {(side: () => Side) => {onmove: (place: Point, gesture: number) => void, onpath: () => void}} */
  const reactions = (side) => {
    /** @type {Latest<{place: Point, gesture: number}>} */
    const latest = new Latest(async ({ place, gesture }) => {
      const { ask, label, name } = side();
      const text = label(place);
      const groove = await studio.run(text, (signal) => ask(place, signal));
      if (!groove) return;
      studio.set(studio.locked(groove), { label: text, seed, at: "now", merge: `${name}-${gesture}` });
    });
    return {
      onmove: (place, gesture) => {
        readout.textContent = side().pad.how.tell(place);
        void latest.ask({ place, gesture });
      },
      onpath: () => offer(),
    };
  };

  const map = mapSide(studio, () => seed, reactions(() => map));
  const corners = cornersSide(studio, () => seed, reactions(() => corners));
  /** @type {Side[]} */
  const sides = [map, corners];
  /** @type {Side} */
  let side = map;

  // -- which pad ----------------------------------------------------------------------------
  const tabs = sides.map((one) => h("button", { type: "button", role: "tab", id: freshId(),
    text: one.name, onclick: () => show(one) }));
  const panels = sides.map((one, index) => h("div", { role: "tabpanel", class: "side",
    "aria-labelledby": tabs[index].id }, one.root));
  const tablist = h("div", { class: "tabs", role: "tablist", "aria-label": "Pad",
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      event.preventDefault();
      show(sides[1 - sides.indexOf(side)]);
      tabs[sides.indexOf(side)].focus();
    } }, ...tabs);

  /** @param {Side} chosen */
  function show(chosen) {
    side = chosen;
    sides.forEach((one, index) => {
      const on = one === side;
      tabs[index].setAttribute("aria-selected", String(on));
      tabs[index].tabIndex = on ? 0 : -1;
      panels[index].hidden = !on;
    });
    readout.textContent = side.pad.how.tell(side.pad.place);
    offer();
  }

  // -- the seed -----------------------------------------------------------------------------
  const seedId = freshId();
  const seedInput = h("input", { type: "text", id: seedId, class: "seed", inputmode: "numeric",
    autocomplete: "off", value: seed });
  /** @param {number} next */
  const reseed = (next) => {
    seed = next;
    seedInput.value = String(seed);
    if (!side.pad.off) side.pad.how.onmove(side.pad.place, -seed);
  };
  seedInput.addEventListener("change", () => {
    const given = Number(seedInput.value.trim() || NaN);
    if (Number.isSafeInteger(given) && given >= 0) reseed(given);
    else seedInput.value = String(seed);
  });

  // -- paths --------------------------------------------------------------------------------
  const draw = h("button", { type: "button", "aria-pressed": "false", title:
    "Then drag across the pad", onclick: () => {
    side.pad.drawing = !side.pad.drawing;
    offer();
  } }, icon("pen"), "Draw a path");
  const add = button("Add point", "The point's place becomes the path's end", () => {
    side.pad.path = [...side.pad.path, side.pad.place];
  });
  const clear = button("Clear path", "Take the path away", () => {
    side.pad.path = [];
  });
  const bars = h("input", { type: "number", min: 1, max: MOST_BARS, step: 1, value: DEFAULT_BARS,
    id: freshId() });
  bars.addEventListener("change", () => {
    const valid = Math.round(bars.valueAsNumber || DEFAULT_BARS);
    bars.value = String(Math.min(MOST_BARS, Math.max(1, valid)));
  });
  const along_ = button("Play along", "Hear the bars along the path", () => void playAlong());
  const grid = button("Into the grid", "The bars along the path as one groove", () =>
    void arrangement((groove, label) => studio.set(groove, { label, seed })));
  const file = button("Path as MIDI", "Download the bars along the path", () =>
    void arrangement((groove) => downloadMidi(`path-${groove.bars}-bars.mid`, groove)));

  function offer() {
    const { pad } = side;
    draw.setAttribute("aria-pressed", String(pad.drawing));
    draw.disabled = pad.off;
    add.disabled = pad.off;
    clear.disabled = !pad.path.length;
    for (const one of [along_, grid, file]) one.disabled = pad.off || pad.path.length < 2;
  }

  /** @param {(groove: Groove, label: string) => void} use */
  async function arrangement(use) {
    const { ask, pad } = side;
    const places = stations(pad.path, bars.valueAsNumber);
    const label = `Path of ${counted(places.length, "bar")}`;
    const grooves = await studio.run(label, async (signal) => {
      /** @type {Groove[]} */
      const made = [];
      for (const place of places) made.push(await ask(place, signal));
      return made;
    });
    if (!grooves) return;
    const groove = arranged(grooves);
    studio.say(`${label}, ${counted(groove.hits.length, "hit")}`);
    try {
      await use(groove, label);
    } catch (error) {
      studio.fail(error);
    }
  }

  const playAlong = () => arrangement(async (groove) => {
    const { pad } = side;
    const { path, place } = pad;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const grain = calm ? stepsPerBar(groove) : 1;
    let playing = true;
    await studio.transport.play({ groove, loop: false });
    const stopped = studio.transport.on("stop", () => {
      playing = false;
      stopped();
    });
    const follow = () => {
      if (!playing) {
        pad.place = place;
        return;
      }
      const position = studio.transport.position;
      if (position !== null) {
        const steps = calm ? Math.floor(position / grain) * grain : position;
        pad.place = along(path, steps / stepsOf(groove));
      }
      requestAnimationFrame(follow);
    };
    follow();
  });

  root.append(
    h("div", { class: "row" }, h("h2", { text: "Latent space" }), h("span", { class: "space" }), tablist),
    ...panels, readout,
    h("div", { class: "row" }, h("label", { for: seedId, class: "hint", text: "Seed" }), seedInput,
      button("Another", "Another seed: other hits at the same place", () => reseed(freshSeed()))),
    h("h3", { text: "Along a path" }),
    h("div", { class: "row" }, draw, add, clear),
    h("div", { class: "row" }, h("label", { for: bars.id, class: "hint", text: "Bars" }), bars,
      along_, grid, file),
  );
  corners.pad.off = true;
  map.pad.off = true;
  show(map);

  void mapOf(studio).then((found) => {
    if (!found) return;
    map.found(found);
    map.pad.off = false;
    show(side);
  });
}

/**
 * @param {Studio} studio
 * @returns {Promise<StyleMap | null>}
 */
async function mapOf(studio) {
  try {
    return await studio.engine.call("map", {});
  } catch (error) {
    studio.fail(error, "The map of styles");
    return null;
  }
}

/**
 * @param {Studio} studio
 * @param {() => number} seed
 * @param {{onmove: (place: Point, gesture: number) => void, onpath: () => void}} reactions
 */
function mapSide(studio, seed, reactions) {
  /** @type {StyleMap | null} */
  let map = null;
  /** @param {Point} place */
  const tell = (place) => {
    if (!map) return "The map is being drawn …";
    const { x, y } = toMap(map, place);
    return `${x.toFixed(2)} across, ${y.toFixed(2)} up: near ${nameOf(styleNear(map, place))}`;
  };
  const pad = new Pad({ name: "Place on the map", tell, ...reactions });
  const root = h("div", {}, pad.root);
  /** @type {Side & {found: (map: StyleMap) => void}} */
  const side = {
    name: "Map", pad, root,
    label: (place) => (map ? `Map, near ${nameOf(styleNear(map, place))}` : "Map"),
    ask: async (place, signal) => {
      const at = toMap(/** @type {StyleMap} */ (map), place);
      const { bpm } = studio.groove;
      const { groove } = await studio.engine.call("place", { ...at, bpm, seed: seed() }, { signal });
      return groove;
    },
    found: (given) => {
      map = given;
      const { layer, legend } = drawMap(given);
      pad.picture.prepend(layer);
      root.append(legend);
      pad.refresh();
    },
  };
  return side;
}

/**
 * @param {Studio} studio
 * @param {() => number} seed
 * @param {{onmove: (place: Point, gesture: number) => void, onpath: () => void}} reactions
 */
function cornersSide(studio, seed, reactions) {
  /** @param {Point} place */
  const tell = ({ x, y }) => {
    const shares = [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y];
    return LETTERS.map((letter, index) => `${letter} ${Math.round(100 * shares[index])} %`).join(", ");
  };
  const pad = new Pad({ name: "Place between the corners", tell, ...reactions });
  const corners = new Corners(studio, pad.root, () => {
    pad.off = !corners.grooves;
    reactions.onpath();
  });
  const fill = button("Four new loops", "Fill all corners with loops from the model", async () => {
    const drawn = await studio.run("Four new loops", (signal) =>
      studio.engine.call("sample", { n: LETTERS.length, seed: freshSeed(), bpm: studio.groove.bpm },
        { signal }));
    drawn?.grooves.forEach((groove, index) =>
      corners.fill(index, { name: `New loop ${LETTERS[index]}`, groove }));
  });
  const root = h("div", {}, pad.root,
    h("div", { class: "row" }, fill,
      h("span", { class: "hint", text: "or drop loops onto the corners" })),
    corners.root);
  /** @type {Side} */
  const side = {
    name: "Corners", pad, root,
    label: () => "Between four loops",
    ask: async ({ x, y }, signal) => {
      const grooves = evened(corners.grooves ?? []);
      const { groove } = await studio.engine.call("blend", { corners: grooves, x, y, seed: seed() },
        { signal });
      return groove;
    },
  };
  return side;
}

/**
 * @param {string} text
 * @param {string} title
 * @param {() => void} press
 */
const button = (text, title, press) => h("button", { type: "button", text, title, onclick: press });
