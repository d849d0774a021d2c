export { type ExposureReport, exposeProfile, unexposeProfile } from "./expose-profile.ts";
