export { type Attempt, deliverNotice, signatureOf, type Webhook } from "./deliver.ts";
export { describeUndelivered } from "./undelivered.ts";
export { noticeConditions } from "./watch.ts";
