/**
 * What the page and its engines say to each other. Types only: nothing is exported at run time.
 *
 * An engine is `RemoteEngine` (the server's REST) or `LocalEngine` (the models in a worker). Both
 * take and give the same values, and throw the same `Problem`.
 */

/**
 * One hit: step, voice (0 to 8), velocity in (0, 1], offset in [-0.5, 0.5) steps, positive is late.
 * Numbers are the exact doubles of float32 values.
 * @typedef {[step: number, voice: number, velocity: number, offset: number]} Hit
 */

/**
 * A drum loop; hits are sorted by step, then voice. A 4/4 bar has 16 steps.
 * @typedef {object} Groove
 * @property {number} bpm quarter notes a minute
 * @property {[numerator: number, denominator: number]} meter
 * @property {number} bars
 * @property {Hit[]} hits
 */

/**
 * Why a verb could not be done, as RFC 9457 has it.
 * @typedef {object} ProblemDetails
 * @property {string} type
 * @property {string} title
 * @property {number} status as of HTTP; 0 where no answer came
 * @property {string} detail what went wrong
 * @property {string} [remedy] what to do about it
 */

/**
 * One model, as `models` tells it.
 * @typedef {object} ModelInfo
 * @property {string} name
 * @property {string} task
 * @property {number} bars
 * @property {[number, number]} meter
 * @property {number} bpm
 * @property {number} temperature
 * @property {string[]} default_for verbs
 * @property {string[]} styles
 * @property {string[]} beat_types
 * @property {[low: number, high: number][]} tempos
 * @property {string[]} attributes
 */

/**
 * @typedef {object} Models
 * @property {string} version
 * @property {ModelInfo[]} models
 */

/**
 * One sample of a voice: a file beside `kit/`, the highest velocity it plays, its amplitude.
 * @typedef {object} KitLayer
 * @property {string} file such as `kick-soft.wav`, to be fetched from `kit/` beside the page
 * @property {number} up_to
 * @property {number} gain linear
 */

/**
 * @typedef {object} KitVoice
 * @property {string} name
 * @property {number} pan from -1 (left) to 1 (right)
 * @property {string[]} choked_by voices whose later hit silences this one
 * @property {KitLayer[]} layers by ascending `up_to`, the last of which is 1
 */

/**
 * @typedef {object} Kit
 * @property {string} name
 * @property {KitVoice[]} voices in the order of `VOICES`
 */

/**
 * The map of styles. A point is [x, y, index into `styles`].
 * @typedef {object} StyleMap
 * @property {[x: number, y: number, style: number][]} points
 * @property {string[]} styles
 * @property {{x: [number, number], y: [number, number]}} extent
 */

/**
 * What every drawing verb takes beside its own.
 * @typedef {object} Drawing
 * @property {string} [model]
 * @property {number} [seed] a whole number from 0 to 2^53 - 1
 * @property {number | null} [temperature]
 */

/**
 * Verb → what it takes.
 * @typedef {object} Requests
 * @property {Drawing & {n?: number, start?: number, bpm?: number, bars?: number,
 *   fill_every?: number, style?: string, beat_type?: string, near?: Groove,
 *   radius?: number}} sample
 * @property {Drawing & {groove: Groove, n?: number, distance?: number}} vary
 * @property {Drawing & {a: Groove, b: Groove, n?: number}} interpolate
 * @property {Drawing & {corners: Groove[], x: number, y: number}} blend
 * @property {Drawing & {x: number, y: number, bpm?: number}} place
 * @property {Drawing & {groove: Groove}} reconstruct
 * @property {Drawing & {groove: Groove, strength?: number,
 *   keep?: ("velocity" | "timing")[]}} humanize
 * @property {Drawing & ({groove: Groove} | {times: number[], bpm: number})} tap
 * @property {Drawing & {groove: Groove, keep: {voices?: string[], bars?: number[],
 *   cells?: [step: number, voice: number][]}}} infill
 * @property {Drawing & {groove: Groove, bars?: number, fill_every?: number}} continue
 * @property {Drawing & {groove: Groove, amounts: Record<string, number>}} attribute
 * @property {{groove: Groove, model?: string}} score
 * @property {{}} models
 * @property {{model?: string}} map
 * @property {{}} kit
 * @property {{bytes: Uint8Array<ArrayBuffer>}} read a MIDI file
 * @property {{grooves: Groove[], bpm?: number}} midi
 * @property {{grooves: Groove[], bpm?: number}} wav
 */

/**
 * What every drawing verb gives beside its own: what it was done with.
 * @typedef {object} Drawn
 * @property {string} model
 * @property {number} seed
 * @property {number | null} temperature
 */

/**
 * Verb → what it gives.
 * @typedef {object} Responses
 * @property {Drawn & {grooves: Groove[]}} sample
 * @property {Drawn & {grooves: Groove[]}} vary
 * @property {Drawn & {grooves: Groove[]}} interpolate
 * @property {Drawn & {groove: Groove}} blend
 * @property {Drawn & {groove: Groove}} place
 * @property {Drawn & {groove: Groove, bits: number[]}} reconstruct
 * @property {Drawn & {groove: Groove}} humanize
 * @property {Drawn & {groove: Groove}} tap
 * @property {Drawn & {groove: Groove}} infill
 * @property {Drawn & {groove: Groove}} continue
 * @property {Drawn & {groove: Groove}} attribute
 * @property {{model: string, bits: number[],
 *   cells: [step: number, voice: number, bits: number][]}} score
 * @property {Models} models
 * @property {StyleMap} map
 * @property {Kit} kit
 * @property {{groove: Groove, report: unknown, remarks: string[]}} read
 * @property {Uint8Array<ArrayBuffer>} midi
 * @property {Uint8Array<ArrayBuffer>} wav
 */

/** @typedef {keyof Requests & keyof Responses} Verb */

/**
 * What makes grooves. `call` rejects with a `Problem`, or with the signal's `AbortError`.
 * @typedef {object} Engine
 * @property {<V extends Verb>(verb: V, request: Requests[V], options?: {signal?: AbortSignal}) =>
 *   Promise<Responses[V]>} call
 * @property {((progress: {loaded: number, total: number}) => void) | null} [onprogress] is told how
 *   many bytes of the models have come, by an engine that has to fetch them
 */

export {};
