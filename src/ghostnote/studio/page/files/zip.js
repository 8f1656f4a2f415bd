/** Files as one zip archive, stored as they are: MIDI files are too small for packing to pay. */

import { crc32 } from "./crc32.js";

/** The first moment that a zip can name, 1980-01-01: equal files give equal archives. */
const DATE = 0x0021;
const UTF8 = 0x0800;

/**
 * @param {{name: string, bytes: Uint8Array}[]} files names are taken as they are, and must differ
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function zipBytes(files) {
  const encoder = new TextEncoder();
  /** @type {Uint8Array[]} */
  const parts = [];
  /** @type {Uint8Array[]} */
  const directory = [];
  let place = 0;
  for (const { name, bytes } of files) {
    const path = encoder.encode(name);
    const common = fields([
      [20, 2],
      [UTF8, 2],
      [0, 2],
      [0, 2],
      [DATE, 2],
      [crc32(bytes), 4],
      [bytes.length, 4],
      [bytes.length, 4],
      [path.length, 2],
      [0, 2],
    ]);
    const local = [fields([[0x04034b50, 4]]), common, path, bytes];
    parts.push(...local);
    directory.push(
      fields([
        [0x02014b50, 4],
        [20, 2],
      ]),
      common,
      fields([
        [0, 2],
        [0, 2],
        [0, 2],
        [0, 4],
        [place, 4],
      ]),
      path,
    );
    place += total(local);
  }
  const size = total(directory);
  const end = fields([
    [0x06054b50, 4],
    [0, 2],
    [0, 2],
    [files.length, 2],
    [files.length, 2],
    [size, 4],
    [place, 4],
    [0, 2],
  ]);
  return joined([...parts, ...directory, end]);
}

/** @param {Uint8Array[]} parts */
const total = (parts) => parts.reduce((sum, part) => sum + part.length, 0);

/** @param {Uint8Array[]} parts */
function joined(parts) {
  const whole = new Uint8Array(total(parts));
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}

/**
 * Little-endian numbers, one after the other.
 *
 * @param {[value: number, size: number][]} numbers size in bytes
 */
function fields(numbers) {
  const bytes = numbers.flatMap(([value, size]) =>
    Array.from({ length: size }, (_, place) => (value >>> (8 * place)) & 0xff),
  );
  return Uint8Array.from(bytes);
}
