/** The pipeline under `canary`. */
import { changing } from './pipeline.ts';

export default changing({ kind: 'canary', percent: 10, stepBakeMinutes: 1, bakeMinutes: 1 });
