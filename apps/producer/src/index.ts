export type { BackfillQueue } from "./backfill-queue.ts";
export { type BegunCourse, pauseBackfill, resumeBackfill, startCourse } from "./course.ts";
export { type ProducerOptions, startProducer } from "./producer.ts";
export { type TickReport, type TickSettings, tick } from "./tick.ts";
