/** The fourth quarter of the random histories. */
import { histories } from './histories.ts';

histories(3);
