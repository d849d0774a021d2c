export {
  type Adjustable,
  type AdjustableName,
  adjustableNames,
  parseAdjustable,
  readAdjustable,
  type SetValues,
  withSetValues,
} from "./adjustable.ts";
export { isInCatalogue } from "./chosen-profiles.ts";
export { loadConfig, type Settings } from "./config.ts";
export { Environment } from "./environment.ts";
export { unknownProfile } from "./unknown-profile.ts";
export {
  activeProfiles,
  type Config,
  configuredProfile,
  withProfiles,
} from "./with-profiles.ts";
