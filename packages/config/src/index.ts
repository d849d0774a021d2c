export { activeProfiles, type Config, configuredProfile, loadConfig } from "./config.ts";
export { Environment } from "./environment.ts";
