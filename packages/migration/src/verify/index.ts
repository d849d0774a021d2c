export { describeVerdict } from "./describe-verdict.ts";
export {
  cosineBars,
  defaultVerification,
  describeNoWorker,
  notProven,
  requestVerification,
  verifyAsRequested,
} from "./requested-verification.ts";
export { requireSameServedModel } from "./served-model.ts";
export { type VerificationReport, verifyProfile } from "./verify-profile.ts";
