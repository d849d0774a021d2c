export { describeBacklog, describeWaiting, type ProfileStatus, readStatus } from "./status.ts";
