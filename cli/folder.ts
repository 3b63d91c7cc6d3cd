/** Where a rehearsal leaves its state when nobody says. */
export const DATA_FOLDER = '.shiplock';
