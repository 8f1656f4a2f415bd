/** Files of tensors in the format safetensors. */

/** @typedef {{shape: number[], data: Float32Array | BigUint64Array}} Tensor */

/**
 * The tensors of a file by name; numbers of 16 bits are given as 32.
 * @param {ArrayBuffer} file
 * @returns {Map<string, Tensor>}
 */
export function readTensors(file) {
  const begin = 8 + Number(new DataView(file).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, begin - 8)));
  const tensors = new Map();
  for (const [name, told] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [from, to] = told.data_offsets;
    const bytes = file.slice(begin + from, begin + to);
    tensors.set(name, { shape: told.shape, data: numbers(told.dtype, bytes) });
  }
  return tensors;
}

/**
 * @param {string} kind
 * @param {ArrayBuffer} bytes
 */
function numbers(kind, bytes) {
  if (kind === "F32") return new Float32Array(bytes);
  if (kind === "F16") return Float32Array.from(new Uint16Array(bytes), half);
  if (kind === "U64") return new BigUint64Array(bytes);
  throw new Error(`tensors of ${kind} are not read`);
}

/**
 * A number of 16 bits.
 * @param {number} bits
 */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
