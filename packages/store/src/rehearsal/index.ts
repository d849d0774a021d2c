export { type CopiedSample, copySample } from "./copy-sample.ts";
export { measureVectors } from "./measure-vectors.ts";
export {
  createRehearsalSchemas,
  dropRehearsalSchemas,
  type RehearsalSchemas,
  readLeftSchemas,
  rehearsalSchemas,
  tryRehearsalLock,
} from "./rehearsal-schemas.ts";
