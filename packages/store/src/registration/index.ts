export { registerProfiles, restoreChunkPartition } from "./registration.ts";
