/** The pipeline under `linear`. */
import { changing } from './pipeline.ts';

export default changing({ kind: 'linear', percent: 50, stepBakeMinutes: 1, bakeMinutes: 1 });
