/** Where recordings of the real AWS lie, if they are here: beside the project, or where SHIPLOCK_RECORDINGS says. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const folder = resolve(import.meta.dirname, '../..', process.env.SHIPLOCK_RECORDINGS ?? '../shared/recordings');

export const recordings: string | undefined = existsSync(folder) ? folder : undefined;
