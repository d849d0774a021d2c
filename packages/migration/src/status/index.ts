export { describeWaiting, type ProfileStatus, readStatus } from "./status.ts";
