/** The pipeline under `rolling`, which succeeds early and gives up at the first failure. */
import { changing } from './pipeline.ts';

export default changing({ kind: 'rolling', earlySuccess: true }, 1);
