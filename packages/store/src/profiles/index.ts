export { findProfileNames, type RegisteredProfile, readProfile, readProfiles } from "./profiles.ts";
