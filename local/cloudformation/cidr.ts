/** `Fn::Cidr`: equal blocks out of an IPv4 block. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-cidr.html */

/**
 * @param bits how many bits of an address a block leaves to its hosts: 8 makes a /24
 * @throws Error if the block is no IPv4 block, or too small
 */
export function cidrBlocks(block: string, count: number, bits: number): string[] {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(block);
  if (match === null) throw new Error(`Fn::Cidr: ${block} is no IPv4 block`);
  const [a = 0, b = 0, c = 0, d = 0, prefix = 0] = match.slice(1).map(Number);
  const size = 2 ** bits;
  if (count < 1 || count > 256 || count * size > 2 ** (32 - prefix))
    throw new Error(`Fn::Cidr: ${block} does not hold ${count} blocks of ${size} addresses`);
  const start = ((a * 256 + b) * 256 + c) * 256 + d;
  const first = start - (start % 2 ** (32 - prefix));
  return Array.from({ length: count }, (_, index) => {
    const address = first + index * size;
    const octets = [2 ** 24, 2 ** 16, 2 ** 8, 1].map((weight) => Math.floor(address / weight) % 256);
    return `${octets.join('.')}/${32 - bits}`;
  });
}
