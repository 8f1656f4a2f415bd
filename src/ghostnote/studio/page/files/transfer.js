/** Files and grooves on their way in and out of the page: downloads, and what drags carry. */

import { isGroove } from "../tray/store.js";
import { midiBytes } from "./midi.js";

/** @import { Groove } from "../engine/types.js" */

/** A groove that is dragged within the page, as JSON. */
export const GROOVE_TYPE = "application/x-ghostnote-groove+json";

const MIDI_TYPE = "audio/midi";
/** A drag or a download may take this long to fetch its file. */
const KEPT_MS = 60_000;

/**
 * Lets the browser save a file.
 *
 * @param {string} name
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {string} type such as `audio/wav`
 */
export function download(name, bytes, type) {
  const link = document.createElement("a");
  link.href = addressOf(new Blob([bytes], { type }));
  link.download = name;
  link.click();
}

/**
 * @param {string} name
 * @param {Groove} groove
 */
export const downloadMidi = (name, groove) => download(name, midiBytes(groove), MIDI_TYPE);

/**
 * Lets `element` be dragged out of the page as a MIDI file, and within it as a groove. All data are
 * there when the drag begins: a drag does not wait.
 *
 * @param {HTMLElement} element
 * @param {() => {name: string, groove: Groove}} what `name` with `.mid`
 */
export function draggable(element, what) {
  element.draggable = true;
  element.addEventListener("dragstart", (event) => {
    const carried = event.dataTransfer;
    if (!carried) return;
    const { name, groove } = what();
    const file = new File([midiBytes(groove)], name, { type: MIDI_TYPE });
    carried.effectAllowed = "copy";
    carried.setData(GROOVE_TYPE, JSON.stringify({ name: name.replace(/\.mid$/, ""), groove }));
    // Chromium makes a file of this where the drag ends outside; others may take the file itself.
    carried.setData("DownloadURL", `${MIDI_TYPE}:${name}:${addressOf(file)}`);
    carried.items.add(file);
  });
}

/**
 * The groove that a drag of this page carries, or null.
 *
 * @param {DataTransfer | null} carried
 * @returns {{name: string, groove: Groove} | null}
 */
export function carriedGroove(carried) {
  try {
    const { name, groove } = JSON.parse(carried?.getData(GROOVE_TYPE) || "null");
    return typeof name === "string" && isGroove(groove) ? { name, groove } : null;
  } catch {
    return null;
  }
}

/** @param {DragEvent} event */
export const carriesGroove = ({ dataTransfer }) => dataTransfer?.types.includes(GROOVE_TYPE) ?? false;

/**
 * An address of a blob, for as long as a browser may need to fetch it.
 *
 * @param {Blob} blob
 */
function addressOf(blob) {
  const address = URL.createObjectURL(blob);
  setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
  return address;
}
