/** Stands in Lambda bundles for the Region of an EC2 instance, which the SDK asks for where no variable says one: in Lambda one always does. */
export const getInstanceMetadataRegion = (): Promise<undefined> => Promise.resolve(undefined);
