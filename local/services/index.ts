/** The services of local AWS, by the name in their endpoint and in IAM. */
import type { ServiceFactory } from '../core/world.ts';

export const factories: Readonly<Record<string, ServiceFactory>> = {};
