// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables are written like this.
import { describe, expect, it } from 'vitest';
import { conditions } from '../../../../local/core/iam/conditions.ts';
import { arnLike, like, withVariables } from '../../../../local/core/iam/pattern.ts';

const context = (values: Record<string, string | readonly string[]>) =>
  new Map(Object.entries(values).map(([key, value]) => [key.toLowerCase(), value]));
const holds = (operator: string, key: string, wanted: unknown, values: Record<string, string | readonly string[]>) =>
  conditions({ [operator]: { [key]: wanted } }).every((one) => one(context(values)));

describe('condition operators', () => {
  // operator, wanted, actual, holds
  it.each([
    ['StringEquals', 'live', 'live', true],
    ['StringEquals', 'live', 'Live', false],
    ['StringEquals', 'l*', 'live', false],
    ['StringEquals', ['test', 'live'], 'live', true],
    ['StringNotEquals', ['test', 'live'], 'live', false],
    ['StringNotEquals', ['test', 'beta'], 'live', true],
    ['StringEqualsIgnoreCase', 'LIVE', 'live', true],
    ['StringNotEqualsIgnoreCase', 'LIVE', 'live', false],
    ['StringLike', 'l?v*', 'live-1', true],
    ['StringLike', 'L*', 'live', false],
    ['StringNotLike', 'l*', 'live', false],
    ['NumericEquals', 5, '5.0', true],
    ['NumericLessThan', 5, '5', false],
    ['NumericLessThanEquals', 5, '5', true],
    ['NumericGreaterThan', '4', '5', true],
    ['NumericGreaterThanEquals', '6', '5', false],
    ['NumericNotEquals', '6', 'five', true],
    ['DateLessThan', '2026-11-24T00:00:00Z', '2026-11-23T08:00:00Z', true],
    ['DateGreaterThan', '1795449600', '2026-11-23T08:00:00Z', false],
    ['DateNotEquals', '2026-11-23T08:00:00Z', '1795420800', false],
    ['Bool', true, 'true', true],
    ['Bool', 'false', 'true', false],
    ['IpAddress', '10.0.0.0/8', '10.9.8.7', true],
    ['IpAddress', ['10.0.0.0/8', '192.0.2.1'], '192.0.2.2', false],
    ['NotIpAddress', '2001:db8::/32', '2001:db8::1', false],
    ['ArnLike', 'arn:aws:events:*:1:rule/a*', 'arn:aws:events:r:1:rule/abc', true],
    ['ArnEquals', 'arn:aws:events:*:1:rule/*', 'arn:aws:events:r:2:rule/abc', false],
    ['ArnNotLike', 'arn:aws:events:*:1:rule/*', 'arn:aws:events:r:1:rule/abc', false],
    ['Null', 'true', 'there', false],
    ['Null', false, 'there', true],
  ])('%s %j of %j: %s', (operator, wanted, actual, expected) => {
    expect(holds(operator, 'Key', wanted, { key: actual })).toBe(expected);
  });

  it.each([
    ['StringEquals', false],
    ['StringNotEquals', true],
    ['StringEqualsIfExists', true],
    ['ForAllValues:StringEquals', true],
    ['ForAnyValue:StringEquals', false],
    ['ForAnyValue:StringNotEquals', false],
    ['ArnNotLike', true],
  ])('%s without the key: %s', (operator, expected) => {
    expect(holds(operator, 'key', 'x', {})).toBe(expected);
  });

  it('know all values of a key from any of them', () => {
    const keys = { 'aws:TagKeys': ['team', 'release'] };
    expect(holds('ForAllValues:StringEquals', 'aws:TagKeys', ['team', 'release', 'cost'], keys)).toBe(true);
    expect(holds('ForAllValues:StringEquals', 'aws:TagKeys', ['team'], keys)).toBe(false);
    expect(holds('ForAnyValue:StringEquals', 'aws:TagKeys', ['team'], keys)).toBe(true);
    expect(holds('ForAnyValue:StringEquals', 'aws:TagKeys', ['cost'], keys)).toBe(false);
    expect(holds('ForAllValues:StringNotEquals', 'aws:TagKeys', ['team'], keys)).toBe(false);
    expect(holds('ForAnyValue:StringNotEquals', 'aws:TagKeys', ['team'], keys)).toBe(true);
  });

  it('must all hold, whatever the case of the keys', () => {
    const block = { StringEquals: { 'AWS:SourceAccount': '1', 'aws:sourceregion': 'r' }, Bool: { 'aws:SecureTransport': 'true' } };
    const all = { 'aws:SourceAccount': '1', 'aws:SourceRegion': 'r', 'aws:SecureTransport': 'true' };
    const check = (values: Record<string, string>) => conditions(block).every((one) => one(context(values)));
    expect(check(all)).toBe(true);
    for (const key of Object.keys(all)) expect(check({ ...all, [key]: 'other' })).toBe(false);
  });

  it('are refused if IAM does not have them', () => {
    expect(() => conditions({ StringMatches: { key: 'x' } })).toThrow('StringMatches');
  });
});

describe('patterns', () => {
  it('match characters of regular expressions as they are', () => {
    expect(like('a.b+c', 'aXb+c')).toBe(false);
    expect(like('a.b+c(*)', 'a.b+c(1)')).toBe(true);
  });

  it('compare ARNs field by field, so that a star in one field never swallows the next', () => {
    const service = 'arn:aws:ecs:eu-central-1:111122223333:service/test/orders';
    expect(arnLike('arn:aws:ecs:*:*:service/test/*', service)).toBe(true);
    expect(arnLike('arn:aws:*:service/test/*', service)).toBe(false);
    expect(arnLike('arn:aws:ecs', service)).toBe(true);
    expect(arnLike('arn:aws:ecs:*:444455556666:service/*', service)).toBe(false);
    expect(arnLike('arn:aws:logs:*:*:log-group:a*', 'arn:aws:logs:r:1:log-group:abc:*')).toBe(true);
    expect(arnLike('arn:aws:ecs:*:*:*', '*')).toBe(false);
    expect(arnLike('*', '*')).toBe(true);
  });

  it("fill in variables, whose value's stars mean nothing", () => {
    const values = context({ 'aws:username': 'ann', 'aws:PrincipalTag/team': 'a*', 'aws:TagKeys': ['x', 'y'] });
    expect(withVariables('user/${aws:username}/*', values)).toBe('user/ann/*');
    expect(like(withVariables('${aws:PrincipalTag/team}-*', values)!, 'a*-1')).toBe(true);
    expect(like(withVariables('${aws:PrincipalTag/team}-*', values)!, 'abc-1')).toBe(false);
    expect(like(withVariables('what${?}${*}', values)!, 'what?*')).toBe(true);
    expect(withVariables("${aws:PrincipalTag/site, 'none'}", values)).toBe('none');
    expect(withVariables('${aws:PrincipalTag/site}', values)).toBeUndefined();
    expect(withVariables('${aws:TagKeys}', values)).toBeUndefined();
    expect(holds('StringEquals', 'k', '${aws:username}', { k: 'ann', 'aws:username': 'ann' })).toBe(true);
  });
});
