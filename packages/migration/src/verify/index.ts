export { describeVerdict } from "./describe-verdict.ts";
export { requireSameServedModel } from "./served-model.ts";
export { type VerificationReport, verifyProfile } from "./verify-profile.ts";
