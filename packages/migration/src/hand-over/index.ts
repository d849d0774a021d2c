export { type HandOverReport, handOver, undoHandOver } from "./hand-over.ts";
