export { isInCatalogue } from "./chosen-profiles.ts";
export { loadConfig, type Settings } from "./config.ts";
export { Environment } from "./environment.ts";
export {
  activeProfiles,
  type Config,
  configuredProfile,
  withProfiles,
} from "./with-profiles.ts";
