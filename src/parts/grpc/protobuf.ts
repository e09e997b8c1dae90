import { isUtf8 } from 'node:buffer'

/**
 * The wire format (protobuf.dev/programming-guides/encoding), strictly: what cannot be read is thrown, never guessed.
 */
export class Unreadable extends Error {}

const VARINT = 0
const FIXED_64 = 1
const BYTES = 2
const FIXED_32 = 5
/** Bytes of the longest varint. */
const MAX_VARINT = 10

/** Reads one message; a nested one is read by a reader of its own. */
export class Reader {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number
  /** The wire type of the field that was begun last. */
  wireType = VARINT

  constructor (bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  /** Begins the next field. @returns its number; 0 at the end */
  next (): number {
    if (this.#at === this.#end) return 0
    const tag = this.#varint()
    this.wireType = tag % 8
    const field = Math.floor(tag / 8)
    if (field === 0 || field > 0x1fffffff) throw new Unreadable('a field has no number')
    return field
  }

  message (): Reader {
    const end = this.#length()
    const reader = new Reader(this.#bytes, this.#at, end)
    this.#at = end
    return reader
  }

  /** A character for each byte, as Node's HTTP parser hands header lines over. */
  text (): string {
    const end = this.#length()
    const text = this.#bytes.toString('latin1', this.#at, end)
    this.#at = end
    return text
  }

  /** Skips a field that holds a number: some readers would take the bytes of another type for fields. */
  skipNumber (): void {
    if (this.wireType !== VARINT) throw new Unreadable('a field has another type')
    this.#varint()
  }

  skip (): void {
    switch (this.wireType) {
      case VARINT: this.#varint(); return
      case FIXED_64: this.#at = this.#within(8); return
      case BYTES: this.#at = this.#length(); return
      case FIXED_32: this.#at = this.#within(4); return
      default: throw new Unreadable('a group, or a type that is not known')
    }
  }

  #length (): number {
    if (this.wireType !== BYTES) throw new Unreadable('a field has another type')
    return this.#within(this.#varint())
  }

  #within (size: number): number {
    if (size > this.#end - this.#at) throw new Unreadable('a field ends after its message')
    return this.#at + size
  }

  #varint (): number {
    let value = 0
    for (let i = 0, factor = 1; i < MAX_VARINT && this.#at < this.#end; i++, factor *= 128) {
      const byte = this.#bytes[this.#at++] ?? 0
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw new Unreadable('a number has no end')
  }
}

/** One field of bytes: a text, or a message's own fields. @param value its bytes; a text is written as UTF-8 */
export function field (number: number, value: string | Buffer): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return Buffer.concat([varint(number * 8 + BYTES), varint(bytes.length), bytes])
}

export function numberField (number: number, value: number): Buffer {
  return Buffer.concat([varint(number * 8 + VARINT), varint(value)])
}

export function message (number: number, ...fields: readonly Buffer[]): Buffer {
  return field(number, Buffer.concat(fields))
}

/** @returns the bytes that HTTP would send; undefined where protobuf, whose texts are UTF-8, has no way to say them */
export function headerBytes (value: string): Buffer | undefined {
  const bytes = Buffer.from(value, 'latin1')
  return isUtf8(bytes) ? bytes : undefined
}

function varint (value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 0x80)
  bytes.push(rest)
  return Buffer.from(bytes)
}
