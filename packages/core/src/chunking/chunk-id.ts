/**
 * Below the id of any chunk, for whatever begins with the first one. The ids of an adopted table are its own, and may be 0 or
 * negative; beyond 2^53 two of them could become equal in JavaScript, so such rows get numbers of ours.
 */
export const beforeFirstId = Number.MIN_SAFE_INTEGER - 1;
