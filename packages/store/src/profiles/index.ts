export { addProfile, removeAddedProfile, requireSameName } from "./added-profiles.ts";
export { type KnownProfiles, readAddedProfiles, readKnownProfiles } from "./known-profiles.ts";
export { type ProfileUse, readProfileUses } from "./profile-uses.ts";
export { findProfileNames, type RegisteredProfile, readProfile, readProfiles } from "./profiles.ts";
