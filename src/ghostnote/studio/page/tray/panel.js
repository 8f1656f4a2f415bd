/** A tray of kept loops, in the browser. */

import { downloadMidi, download, draggable, carriedGroove, carriesGroove } from "../files/transfer.js";
import { midiBytes } from "../files/midi.js";
import { take } from "../files/panel.js";
import { zipBytes } from "../files/zip.js";
import { counted, h, icon } from "../shell/dom.js";
import { roll } from "./roll.js";
import { LONGEST_NAME, MOST, fileNames, plain } from "./store.js";
import { trayOf } from "./tray.js";

/** @import { Studio } from "../state/studio.js" */
/** @import { Loop } from "./store.js" */

/**
 * @param {HTMLElement} root
 * @param {Studio} studio
 */
export function mount(root, studio) {
  const tray = trayOf(studio);
  const list = h("ul", { class: "loops", "aria-label": "Loops" });
  const count = h("span", { class: "hint" });
  const undone = h("p", { class: "row", role: "status" });
  /** @type {string | null} the loop that is heard */
  let heard = null;

  const keep = button("Keep this loop", () => attempt(() => {
    const { name } = tray.keep(studio.heard, studio.past.at(-1)?.label ?? "Loop");
    studio.say(`Kept: ${name}`);
  }));
  const all = button("Download all", () => attempt(() => {
    const loops = tray.loops;
    const files = fileNames(loops, ".mid").map((name, index) =>
      ({ name, bytes: midiBytes(loops[index].groove) }));
    download("ghostnote-loops.zip", zipBytes(files), "application/zip");
  }));

  /** @param {() => void} work */
  function attempt(work) {
    try {
      work();
    } catch (error) {
      studio.fail(error);
    }
  }

  /** @param {Loop} loop */
  async function toggle(loop) {
    if (heard === loop.id) {
      studio.transport.stop();
      return;
    }
    try {
      const playing = studio.transport.play({ groove: loop.groove, loop: true });
      heard = loop.id;
      await playing;
    } catch (error) {
      studio.fail(error);
    }
    show();
  }

  /** @param {Loop} loop */
  function remove(loop) {
    attempt(() => {
      const place = tray.loops.findIndex(({ id }) => id === loop.id);
      if (heard === loop.id) studio.transport.stop();
      tray.remove(loop.id);
      undone.replaceChildren(`Deleted: ${loop.name} `, button("Put back", () => attempt(() => {
        tray.restore(loop, place);
        undone.replaceChildren();
      })));
      (list.querySelector("input") ?? keep).focus();
    });
  }

  /** @param {Loop} loop */
  function item(loop) {
    const name = h("input", { type: "text", value: loop.name, maxlength: LONGEST_NAME,
      "aria-label": `Name of ${loop.name}` });
    name.addEventListener("change", () => attempt(() => tray.rename(loop.id, name.value)));
    name.addEventListener("keydown", ({ key }) => {
      if (key === "Enter") name.blur();
      if (key === "Escape") name.value = loop.name;
    });
    const picture = h("div", { class: "picture", title: "Drag this to a corner, or into a DAW" },
      roll(loop.groove));
    draggable(picture, () => ({ name: `${plain(loop.name)}.mid`, groove: loop.groove }));
    const plays = heard === loop.id;
    return h("li", { "data-loop": loop.id },
      picture,
      h("div", { class: "naming" }, name, h("span", { class: "hint", text:
        `${counted(loop.groove.bars, "bar")}, ${Math.round(loop.groove.bpm * 10) / 10} bpm` })),
      h("div", { class: "deeds" },
        h("button", { type: "button", class: "plain", title: plays ? "Stop" : "Play",
          "aria-label": `${plays ? "Stop" : "Play"} ${loop.name}`,
          onclick: () => void toggle(loop) }, icon(plays ? "stop" : "play")),
        h("button", { type: "button", class: "plain", title: "Put it into the grid",
          "aria-label": `Load ${loop.name}`,
          onclick: () => take(studio, loop.groove, loop.name) }, "Load"),
        h("button", { type: "button", class: "plain", title: "Download it as a MIDI file",
          "aria-label": `Download ${loop.name} as MIDI`,
          onclick: () => attempt(() => downloadMidi(`${plain(loop.name)}.mid`, loop.groove)) }, "MIDI"),
        h("button", { type: "button", class: "plain", title: "Delete",
          "aria-label": `Delete ${loop.name}`, onclick: () => remove(loop) }, icon("close"))));
  }

  function show() {
    const loops = tray.loops;
    const focused = document.activeElement?.getAttribute("aria-label");
    list.replaceChildren(...loops.map(item));
    if (!loops.length) {
      list.append(h("li", { class: "hint", text: "Loops that you keep stay here, also after a reload." }));
    }
    count.textContent = `${loops.length} of ${MOST}`;
    all.disabled = !loops.length;
    if (focused && document.activeElement === document.body) {
      const again = [...list.querySelectorAll("[aria-label]")].find((element) =>
        element.getAttribute("aria-label")?.replace(/^(Play|Stop) /, "") ===
          focused.replace(/^(Play|Stop) /, ""));
      if (again instanceof HTMLElement) again.focus();
    }
  }

  root.addEventListener("dragover", (event) => {
    if (carriesGroove(event)) event.preventDefault();
  });
  root.addEventListener("drop", (event) => {
    const carried = carriedGroove(event.dataTransfer);
    if (!carried) return;
    event.preventDefault();
    attempt(() => void tray.keep(carried.groove, carried.name));
  });
  studio.transport.on("stop", () => {
    if (!heard) return;
    heard = null;
    show();
  });
  tray.on("change", show);
  root.append(
    h("div", { class: "row" }, h("h2", { text: "Kept loops" }), count, h("span", { class: "space" }),
      keep, all),
    undone, list);
  show();
}

/**
 * @param {string} text
 * @param {() => void} press
 */
const button = (text, press) => h("button", { type: "button", text, onclick: press });
