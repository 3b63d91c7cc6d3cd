/** IP address ranges in event patterns. */

export interface AddressRange {
  readonly bytes: readonly number[];
  readonly mask: number;
}

/** The bytes of an IPv4 or IPv6 address, if it is one. */
export function addressBytes(text: string): number[] | undefined {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) {
    const bytes = text.split('.').map(Number);
    return bytes.every((byte) => byte < 256) ? bytes : undefined;
  }
  if (!/^[0-9a-fA-F:]+$/.test(text) || !text.includes(':')) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head!.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head!, ...(tail === undefined ? [] : [...Array<string>(missing).fill('0'), ...tail])];
  if (groups.some((group) => !/^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
}

/** @throws Error with AWS's words */
export function parseCidr(text: string): AddressRange {
  const parts = text.split('/');
  if (parts.length !== 2) throw new Error("Malformed CIDR, one '/' required");
  if (!/^[+-]?\d+$/.test(parts[1]!)) throw new Error('Malformed CIDR, mask bits must be an integer');
  const mask = Number(parts[1]);
  if (mask < 0) throw new Error('Malformed CIDR, mask bits must not be negative');
  const bytes = addressBytes(parts[0]!);
  if (bytes === undefined) throw new Error(`Nonstandard IP address: ${parts[0]}`);
  if (bytes.length === 4 && mask > 31) throw new Error('IPv4 mask bits must be < 32');
  if (mask > 127) throw new Error('IPv6 mask bits must be < 128');
  return { bytes, mask };
}

export function isInRange(range: AddressRange, text: string): boolean {
  const bytes = addressBytes(text);
  if (bytes?.length !== range.bytes.length) return false;
  return bytes.every((byte, index) => {
    const bits = Math.min(8, Math.max(0, range.mask - index * 8));
    const mask = (0xff << (8 - bits)) & 0xff;
    return (byte & mask) === (range.bytes[index]! & mask);
  });
}
