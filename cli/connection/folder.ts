/** Where a rehearsal leaves its state when nobody says, and whether there is one. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const DATA_FOLDER = '.shiplock';

/** Whether a rehearsal has left something in the folder. */
export const isRehearsed = (folder: string): boolean => existsSync(join(folder, 'state.json'));
