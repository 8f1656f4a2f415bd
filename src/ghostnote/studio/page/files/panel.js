/** In and out: MIDI files, audio, and links that hold a groove. */

import { renderOffline } from "../audio/offline.js";
import { Problem } from "../engine/problem.js";
import { counted, h } from "../shell/dom.js";
import { plain } from "../tray/store.js";
import { fromFragment, toFragment } from "./link.js";
import { carriesGroove, download, downloadMidi, draggable } from "./transfer.js";
import { wavBytes } from "./wav.js";

/** @import { Groove } from "../engine/types.js" */
/** @import { Studio } from "../state/studio.js" */

/** No MIDI file of drums is longer; others are not even read. */
const LARGEST = 4 * 2 ** 20;

/**
 * @param {HTMLElement} root
 * @param {Studio} studio
 */
export function mount(root, studio) {
  const remarks = h("ul", { class: "remarks", "aria-label": "What became of the file", role: "status" });
  const chosen = h("input", { type: "file", accept: ".mid,.midi,.rmi,audio/midi", class: "unseen",
    tabindex: -1, "aria-label": "MIDI file" });
  const chip = h("div", { class: "chip", title: "Drag this into a DAW or a folder" },
    h("span", { class: "grip", "aria-hidden": "true", text: "⠿" }), "Drag MIDI out");
  const address = h("input", { type: "text", readonly: true, hidden: true, "aria-label": "Link" });
  const copied = h("p", { class: "hint", role: "status" });

  draggable(chip, () => ({ name: `${nameOf(studio)}.mid`, groove: studio.heard }));
  chosen.addEventListener("change", () => {
    const file = chosen.files?.[0];
    if (file) void open(file);
    chosen.value = "";
  });

  /** @param {File} file */
  async function open(file) {
    remarks.replaceChildren();
    const read = await studio.run(`Open ${file.name}`, async (signal) => {
      if (file.size > LARGEST) {
        throw new Problem({
          title: "Not opened",
          detail: `${file.name} is larger than a MIDI file of drums can be.`,
          remedy: "Give a MIDI file (.mid).",
        });
      }
      const bytes = new Uint8Array(await file.arrayBuffer());
      return studio.engine.call("read", { bytes }, { signal });
    });
    if (!read) return;
    take(studio, read.groove, file.name);
    const { bars, hits } = read.groove;
    const told = [`${file.name}: ${counted(bars, "bar")}, ${counted(hits.length, "hit")}`,
      ...read.remarks];
    remarks.replaceChildren(...told.map((text) => h("li", { text })));
  }

  const out = h("div", { class: "row" }, chip,
    button("Download MIDI", () => attempt(studio, () =>
      downloadMidi(`${nameOf(studio)}.mid`, studio.heard))),
    button("Download WAV", async () => {
      const groove = studio.heard;
      const bytes = await studio.run("WAV", async () => {
        const { buffer } = await renderOffline(groove, await studio.transport.load());
        const channels = Array.from({ length: buffer.numberOfChannels }, (_, index) =>
          buffer.getChannelData(index));
        return wavBytes(channels, buffer.sampleRate);
      });
      if (bytes) download(`${nameOf(studio)}.wav`, bytes, "audio/wav");
    }),
    button("Copy link", () => attempt(studio, async () => {
      const link = new URL(toFragment(studio.heard), location.href.split("#")[0]).href;
      address.value = link;
      try {
        await navigator.clipboard.writeText(link);
        address.hidden = true;
        copied.textContent = `Copied, ${link.length.toLocaleString("en-GB")} characters.`;
      } catch {
        address.hidden = false;
        address.select();
        copied.textContent = "The browser does not let the page copy: copy the link yourself.";
      }
    })));

  root.append(
    h("h2", { text: "In and out" }),
    h("div", { class: "row" }, button("Open MIDI…", () => chosen.click()), chosen,
      h("span", { class: "hint", text: "or drop a file anywhere" })),
    remarks, out, address, copied,
    h("p", { class: "hint", text:
      "What leaves is what sounds: without muted voices, and with the swing. A link holds the " +
      "whole groove, loudness to 1/127 and timing to 1/240 of a step; no server sees it." }),
  );
  dropZone(open, (problem) => studio.fail(problem));
  openLink(studio);
  addEventListener("hashchange", () => openLink(studio));
}

/**
 * A groove from outside is the whole state of what sounds: swing is in it, and nothing is muted.
 *
 * @param {Studio} studio
 * @param {Groove} groove
 * @param {string} label
 */
export function take(studio, groove, label) {
  const none = new Set();
  studio.update(
    { groove, swing: 0.5, mutes: none, solos: none, locks: { voices: none, bars: none } },
    { label },
  );
}

/** @param {Studio} studio */
function openLink(studio) {
  try {
    const groove = fromFragment(location.hash);
    if (groove) take(studio, groove, "From a link");
  } catch (error) {
    studio.fail(error);
  }
}

/**
 * Files that are dropped anywhere on the page.
 *
 * @param {(file: File) => void} open
 * @param {(problem: Problem) => void} fail
 */
function dropZone(open, fail) {
  const veil = h("div", { class: "drop-veil", hidden: true }, h("p", { text: "Drop a MIDI file" }));
  document.body.append(veil);
  let depth = 0;
  /** @param {DragEvent} event */
  const files = (event) => !carriesGroove(event) && (event.dataTransfer?.types.includes("Files") ?? false);
  /** @param {number} value */
  const enter = (value) => {
    depth = Math.max(0, value);
    veil.hidden = depth === 0;
  };
  addEventListener("dragenter", (event) => files(event) && enter(depth + 1));
  addEventListener("dragleave", (event) => files(event) && enter(depth - 1));
  addEventListener("dragover", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = "copy";
  });
  addEventListener("drop", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    enter(0);
    const dropped = [...(event.dataTransfer?.files ?? [])];
    if (dropped[0]) open(dropped[0]);
    if (dropped.length > 1) {
      fail(new Problem({
        title: "One at a time",
        detail: `Of ${dropped.length} files, ${dropped[0].name} was opened.`,
        remedy: "Drop the others one by one; the tray keeps each.",
      }));
    }
  });
}

/**
 * A name for files of the current groove, after what was done last.
 *
 * @param {Studio} studio
 */
const nameOf = (studio) =>
  plain(`${studio.past.at(-1)?.label ?? "loop"} ${Math.round(studio.groove.bpm)} bpm`);

/**
 * @param {string} text
 * @param {() => void} press
 */
const button = (text, press) => h("button", { type: "button", text, onclick: press });

/**
 * @param {Studio} studio
 * @param {() => void | Promise<void>} work
 */
function attempt(studio, work) {
  Promise.resolve().then(work).catch((error) => studio.fail(error));
}
