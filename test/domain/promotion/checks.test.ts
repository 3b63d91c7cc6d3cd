/** What a promotion has to pass: its own services' checks, and those of the whole environment. */
import { describe, expect, it } from 'vitest';
import type { Verification } from '../../../domain/pipeline/pipeline.ts';
import { httpChecksOf, isChecked } from '../../../domain/promotion/checks.ts';

const check = (path: string, service?: string) => ({ path, status: 200, attempts: 3, ...(service ? { service } : {}) });
const verification: Verification = { http: [check('/orders', 'orders-web'), check('/')] };

describe('the checks of a promotion', () => {
  it('are those of its services, and those that name none', () => {
    expect(httpChecksOf(verification, ['gateway']).map(({ path }) => path)).toEqual(['/']);
    expect(httpChecksOf(verification, ['orders-web', 'orders-worker']).map(({ path }) => path)).toEqual(['/orders', '/']);
  });

  it('are not there where none is configured, or only those of other services', () => {
    expect(isChecked({ http: [] }, ['gateway'])).toBe(false);
    expect(isChecked({ http: [check('/orders', 'orders-web')] }, ['gateway'])).toBe(false);
    expect(isChecked({ http: [check('/orders', 'orders-web')] }, ['orders-web'])).toBe(true);
    expect(isChecked({ http: [], build: 'system-tests' }, ['gateway'])).toBe(true);
  });
});
