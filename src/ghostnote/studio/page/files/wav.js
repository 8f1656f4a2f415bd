/** Sound as a WAV file: 16-bit PCM. */

/**
 * @param {Float32Array[]} channels samples from -1 to 1, which is where louder ones end
 * @param {number} rate samples a second
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function wavBytes(channels, rate) {
  const HEADER = 44;
  const width = 2 * channels.length;
  const size = width * channels[0].length;
  const bytes = new Uint8Array(HEADER + size);
  const view = new DataView(bytes.buffer);
  /** @type {(at: number, text: string) => void} */
  const tag = (at, text) => bytes.set([...text].map((letter) => letter.charCodeAt(0)), at);
  tag(0, "RIFF");
  view.setUint32(4, HEADER - 8 + size, true);
  tag(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, channels.length, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * width, true);
  view.setUint16(32, width, true);
  view.setUint16(34, 16, true);
  tag(36, "data");
  view.setUint32(40, size, true);
  channels.forEach((samples, channel) => {
    samples.forEach((value, index) => {
      const level = Math.round(Math.max(-1, Math.min(1, value)) * 32767);
      view.setInt16(HEADER + index * width + 2 * channel, level, true);
    });
  });
  return bytes;
}
