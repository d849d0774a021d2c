export { describeVerdict } from "./describe-verdict.ts";
export { type VerificationReport, verifyProfile } from "./verify-profile.ts";
