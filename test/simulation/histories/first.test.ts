/** The first quarter of the random histories. */
import { histories } from './histories.ts';

histories(0);
