/** DynamoDB's numbers: exact decimals of up to 38 digits, kept and returned as text. */
import { ServiceError } from '../../core/service.ts';

/** coefficient × 10^exponent; the coefficient has no trailing zero, and zero is 0 × 10^0. */
export interface Decimal {
  readonly coefficient: bigint;
  readonly exponent: number;
}

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,9}))?$/;

const refuse = (message: string) => new ServiceError('ValidationException', message);

/**
 * @throws ServiceError ValidationException for what is not a number, has more than 38 digits, or lies outside
 * 1E-130 … 9.9…E+125 (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html)
 */
export function parseDecimal(text: string): Decimal {
  const match = NUMBER.exec(text);
  const [, sign, whole = '', fraction = '', power = '0'] = match ?? [];
  if (match === null || whole + fraction === '')
    throw refuse(
      text === ''
        ? 'The parameter cannot be converted to a numeric value'
        : `The parameter cannot be converted to a numeric value: ${text}`,
    );
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return { coefficient: 0n, exponent: 0 };
  const exponent = Number(power) - fraction.length + (digits.length - significant.length);
  return limited({ coefficient: BigInt(sign === '-' ? `-${significant}` : significant), exponent }, significant.length);
}

function limited(decimal: Decimal, digits: number): Decimal {
  const magnitude = digits + decimal.exponent - 1;
  if (magnitude > 125) throw refuse('Number overflow. Attempting to store a number with magnitude larger than supported range');
  if (magnitude < -130) throw refuse('Number underflow. Attempting to store a number with magnitude smaller than supported range');
  if (digits > 38) throw refuse('Attempting to store more than 38 significant digits in a Number');
  return decimal;
}

/** Plain notation, as DynamoDB returns numbers: `1000`, never `1E3`. */
export function formatDecimal({ coefficient, exponent }: Decimal): string {
  const negative = coefficient < 0n;
  const digits = (negative ? -coefficient : coefficient).toString();
  let text: string;
  if (exponent >= 0) text = digits + '0'.repeat(exponent);
  else {
    const padded = digits.padStart(1 - exponent, '0');
    text = `${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
  }
  return negative ? `-${text}` : text;
}

/** The one way in which DynamoDB writes this number. @throws ServiceError as {@link parseDecimal} */
export function canonicalNumber(text: string): string {
  // Most numbers are small whole ones and are canonical already.
  if (/^(0|-?[1-9]\d{0,14})$/.test(text)) return text;
  return formatDecimal(parseDecimal(text));
}

/** @returns the sum, or the difference for `sign` -1. @throws ServiceError if the result does not fit */
export function addNumbers(left: string, right: string, sign: 1 | -1 = 1): string {
  const a = parseDecimal(left);
  const b = parseDecimal(right);
  const exponent = Math.min(a.exponent, b.exponent);
  const scale = (decimal: Decimal) => decimal.coefficient * 10n ** BigInt(decimal.exponent - exponent);
  const sum = scale(a) + BigInt(sign) * scale(b);
  if (sum === 0n) return '0';
  const digits = (sum < 0n ? -sum : sum).toString();
  const significant = digits.replace(/0+$/, '');
  const zeros = digits.length - significant.length;
  return formatDecimal(limited({ coefficient: sum / 10n ** BigInt(zeros), exponent: exponent + zeros }, significant.length));
}

/** @returns below, at or above zero as `left` is smaller than, equal to or greater than `right` */
export function compareNumbers(left: string, right: string): number {
  if (left === right) return 0;
  const a = Number(left);
  const b = Number(right);
  // Doubles decide wherever they differ: rounding keeps the order of unequal results.
  if (a !== b && Number.isFinite(a) && Number.isFinite(b)) return a < b ? -1 : 1;
  const x = parseDecimal(left);
  const y = parseDecimal(right);
  const exponent = Math.min(x.exponent, y.exponent);
  const scale = (decimal: Decimal) => decimal.coefficient * 10n ** BigInt(decimal.exponent - exponent);
  const difference = scale(x) - scale(y);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
