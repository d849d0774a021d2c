export type { TickSettings } from "./allowance.ts";
export { startProducer } from "./producer.ts";
export { tick } from "./tick.ts";
