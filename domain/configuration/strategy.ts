/** A strategy as it is written in the configuration, completed by its defaults. */
import { type Rolling, type Shifting, STRATEGIES, type Strategy } from '../rollout/strategy.ts';
import { suggestion } from '../text/suggestion.ts';
import type { Parsed } from './schema.ts';

const DEFAULTS = {
  'blue-green': { percent: 100, stepBakeMinutes: 0 },
  canary: { percent: 5, stepBakeMinutes: 10 },
  linear: { percent: 10, stepBakeMinutes: 6 },
} as const;

type Written = NonNullable<Parsed['environments'][string]['strategy']>;

/** Fills in what was left out, and reports keys that say nothing under this strategy. */
export function completeStrategy(written: Written, place: string, report: (place: string, message: string) => void): Strategy {
  const { kind, ...keys } = typeof written === 'string' ? { kind: written } : written;
  const known = STRATEGIES.find((name) => name === kind);
  if (known === undefined) {
    const where = typeof written === 'string' ? place : `${place}.kind`;
    report(where, `unknown value "${kind}"${suggestion(kind, STRATEGIES) || `; one of ${STRATEGIES.join(', ')}`}`);
    return { kind: 'rolling', earlySuccess: false };
  }
  const idle = Object.keys(keys).filter((key) => !(KEYS[known] as readonly string[]).includes(key));
  for (const key of idle) report(`${place}.${key}`, `says nothing under "${known}", which takes ${KEYS[known].join(', ')}`);
  const {
    earlySuccess = false,
    bakeMinutes,
    percent,
    stepBakeMinutes,
    confirm = false,
    pauseMinutes,
  } = keys as Partial<Shifting & Rolling>;
  if (known === 'rolling') return { kind: known, earlySuccess };
  if (percent !== undefined && Math.abs(percent * 10 - Math.round(percent * 10)) > 1e-9)
    report(`${place}.percent`, `${percent}: ECS takes tenths of a percent; write ${Math.max(0.1, Math.round(percent * 10) / 10)}`);
  if (known === 'linear' && percent !== undefined && percent < 3)
    report(`${place}.percent`, `${percent} is less than 3, the least that ECS shifts at a step`);
  return {
    kind: known,
    bakeMinutes: bakeMinutes ?? 5,
    percent: percent ?? DEFAULTS[known].percent,
    stepBakeMinutes: stepBakeMinutes ?? DEFAULTS[known].stepBakeMinutes,
    confirm,
    pauseMinutes: pauseMinutes ?? (confirm ? 1440 : 60),
  };
}

const KEYS = {
  rolling: ['earlySuccess'],
  'blue-green': ['bakeMinutes', 'confirm', 'pauseMinutes'],
  canary: ['bakeMinutes', 'percent', 'stepBakeMinutes', 'confirm', 'pauseMinutes'],
  linear: ['bakeMinutes', 'percent', 'stepBakeMinutes', 'confirm', 'pauseMinutes'],
} as const;
