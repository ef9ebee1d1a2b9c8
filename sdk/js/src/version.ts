declare const THIMBLE_VERSION: string;

/** Of package.json, put in by the build. */
export const version = THIMBLE_VERSION;
