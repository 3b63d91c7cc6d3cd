/** JSON on its way through a machine: the value for expressions, and its text for the history and the size limit, made once. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Bytes of an input, an output or a variable. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
export const PAYLOAD_LIMIT = 262_144;

export class Data {
  readonly value: Json;
  private written: string | undefined;

  /** @param text the value as it arrived, if it did as text */
  constructor(value: Json, text?: string) {
    this.value = value;
    this.written = text;
  }

  get text(): string {
    this.written ??= JSON.stringify(this.value);
    return this.written;
  }

  /** Whether it is too large to be passed on. */
  get exceeds(): boolean {
    const { text } = this;
    // A character of UTF-16 is at most three bytes of UTF-8: most texts need not be measured.
    if (text.length * 3 <= PAYLOAD_LIMIT) return false;
    return Buffer.byteLength(text) > PAYLOAD_LIMIT;
  }
}

/** A copy without the hidden marks that JSONata leaves on its sequences; functions and undefined members are gone. */
export function plain(value: unknown): Json {
  if (value === null || typeof value !== 'object') return value as Json;
  return JSON.parse(JSON.stringify(value)) as Json;
}
