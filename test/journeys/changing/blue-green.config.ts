/** The pipeline under `blue-green`. */
import { changing } from './pipeline.ts';

export default changing({ kind: 'blue-green', bakeMinutes: 1 });
