/** How big a task is, and its containers in it. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html */
import { containersOf, type Members, membersOf, type Refuse, shown } from './members.ts';

interface Size {
  /** MiB. */
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

const gibibytes = (from: number, to: number, step = 1): Size => ({ from: from * 1024, to: to * 1024, step: step * 1024 });

/** By CPU units, the memory that Fargate has beside them. */
const FARGATE: ReadonlyMap<number, Size> = new Map([
  [256, { from: 512, to: 2048, step: 0 }],
  [512, gibibytes(1, 4)],
  [1024, gibibytes(2, 8)],
  [2048, gibibytes(4, 16)],
  [4096, gibibytes(8, 30)],
  [8192, gibibytes(16, 60, 4)],
  [16_384, gibibytes(32, 120, 8)],
]);

/** With 256 CPU units memory is doubled, not added to. */
const SMALLEST = [512, 1024, 2048];

/** The units that Windows gets on Fargate. */
const WINDOWS = [1024, 2048, 4096];

/** CPU units of `256`, `.25 vCPU`; NaN for what is neither. */
const cpuUnits = (text: unknown): number => measured(text, /^\s*(\d*\.?\d+)\s*vcpu\s*$/i);

/** MiB of `512`, `0.5 GB`; NaN for what is neither. */
const mebibytes = (text: unknown): number => measured(text, /^\s*(\d*\.?\d+)\s*gb\s*$/i);

function measured(text: unknown, unit: RegExp): number {
  const given = unit.exec(String(text));
  if (given) return Number(given[1]) * 1024;
  return /^\s*\d+\s*$/.test(String(text)) ? Number(text) : Number.NaN;
}

/** Which of the two a template leaves out. */
export interface FilledSizes {
  readonly cpu: boolean;
  readonly memory: boolean;
}

export function refuseSizes(request: Members, filled: FilledSizes, refuse: Refuse): void {
  const { cpu, memory, runtimePlatform, ephemeralStorage } = request;
  const [units, mebi] = [cpuUnits(cpu), mebibytes(memory)];
  // That a number stands where a text is needed, its shape says.
  const isRead = typeof cpu === 'string' && typeof memory === 'string';
  if (isRead && Number.isNaN(units)) refuse('cpu', `${shown(cpu)} is no size: write CPU units as "256", or ".25 vCPU"`);
  if (isRead && Number.isNaN(mebi)) refuse('memory', `${shown(memory)} is no size: write MiB as "512", or "0.5 GB"`);
  if (isRead && !Number.isNaN(units) && !Number.isNaN(mebi)) refusePair(units, mebi, isWindows(runtimePlatform), refuse);
  if (!Number.isNaN(units) && !Number.isNaN(mebi)) refuseContainers(request, units, mebi, filled, refuse);
  if (ephemeralStorage !== undefined) refuseStorage(membersOf(ephemeralStorage).sizeInGiB, isWindows(runtimePlatform), refuse);
}

export const isWindows = (runtimePlatform: unknown): boolean =>
  String(membersOf(runtimePlatform).operatingSystemFamily).startsWith('WINDOWS');

function refusePair(units: number, mebi: number, windows: boolean, refuse: Refuse): void {
  const sizes = windows ? WINDOWS : [...FARGATE.keys()];
  const size = sizes.includes(units) ? FARGATE.get(units) : undefined;
  if (size === undefined) {
    refuse('cpu', `Fargate has no machine of ${units} CPU units${windows ? ' for Windows' : ''}; it has ${sizes.join(', ')}`);
    return;
  }
  const fits = units === 256 ? SMALLEST.includes(mebi) : mebi >= size.from && mebi <= size.to && (mebi - size.from) % size.step === 0;
  if (fits) return;
  const has = units === 256 ? SMALLEST.join(', ') : `${size.from} to ${size.to} in steps of ${size.step}`;
  refuse('memory', `with ${units} CPU units Fargate has no ${mebi} MiB, but ${has}${roomier(mebi, sizes)}`);
}

/** Which CPU there would be for so much memory. */
function roomier(mebi: number, sizes: readonly number[]): string {
  const other = sizes.find((units) => {
    const { from, to, step } = FARGATE.get(units)!;
    return units === 256 ? SMALLEST.includes(mebi) : mebi >= from && mebi <= to && (mebi - from) % step === 0;
  });
  return other === undefined ? '' : `; so much memory comes with ${other} CPU units`;
}

/** "The total amount of CPU (memory) reserved for all containers within a task must be lower than the task-level value". https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html */
function refuseContainers(request: Members, units: number, mebi: number, filled: FilledSizes, refuse: Refuse): void {
  const has = (size: number, isFilled: boolean) =>
    isFilled ? `gets ${size}, as the template names no size; name \`cpu\` and \`memory\`` : `has ${size}; give the task more`;
  const containers = containersOf(request);
  const number = (value: unknown) => (typeof value === 'number' ? value : 0);
  const cpu = containers.reduce((sum, container) => sum + number(container.cpu), 0);
  if (cpu > units) refuse('cpu', `its containers ask for ${cpu} CPU units together, and the task ${has(units, filled.cpu)}`);
  const reserved = containers.reduce((sum, { memory, memoryReservation }) => sum + number(memoryReservation ?? memory), 0);
  if (reserved > mebi) refuse('memory', `its containers ask for ${reserved} MiB together, and the task ${has(mebi, filled.memory)}`);
  for (const { at, memory, memoryReservation } of containers) {
    if (number(memory) > mebi && containers.length > 1) refuse(`${at}.memory`, `${String(memory)} MiB are more than the task has, ${mebi}`);
    if (memory !== undefined && number(memoryReservation) > number(memory))
      refuse(
        `${at}.memoryReservation`,
        `${String(memoryReservation)} MiB are more than the container may have: \`memory\` is ${String(memory)}`,
      );
  }
}

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_EphemeralStorage.html */
function refuseStorage(size: unknown, windows: boolean, refuse: Refuse): void {
  if (windows) refuse('ephemeralStorage', 'Fargate has no further storage for Windows; leave it out');
  else if (typeof size === 'number' && (size < 21 || size > 200))
    refuse(
      'ephemeralStorage.sizeInGiB',
      `Fargate gives 21 to 200 GiB, and this is ${size}${size === 20 ? '; 20 are there anyway, so leave it out' : ''}`,
    );
}
