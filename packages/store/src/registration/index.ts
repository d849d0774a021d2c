export { registerProfiles } from "./registration.ts";
