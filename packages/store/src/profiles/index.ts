export { type RegisteredProfile, readProfile, readProfiles } from "./profiles.ts";
