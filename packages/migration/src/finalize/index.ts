export { finalize } from "./finalize.ts";
