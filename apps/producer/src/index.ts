export { type ProducerOptions, startProducer } from "./producer.ts";
export { type TickReport, type TickSettings, tick } from "./tick.ts";
