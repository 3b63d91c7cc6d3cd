/** The pipeline under `rolling`. */
import { changing } from './pipeline.ts';

export default changing('rolling');
