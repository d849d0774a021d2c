export { cosineBars } from "./compare-vectors.ts";
export { describeVerdict } from "./describe-verdict.ts";
export { notProven } from "./remedy.ts";
export { describeNoWorker, requestVerification, verifyAsRequested } from "./requested-verification.ts";
export { requireSameServedModel } from "./served-model.ts";
export { defaultVerification, type VerificationReport, verifyProfile } from "./verify-profile.ts";
