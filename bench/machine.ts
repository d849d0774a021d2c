import { cpus, release, totalmem, type } from "node:os";

/** Describes the machine. Figures can only be compared with this information. */
export function describeMachine(): string {
  const cores = cpus();
  const memoryGiB = Math.round(totalmem() / 2 ** 30);
  return `${cores.length} x ${cores[0]?.model.trim()}, ${memoryGiB} GiB, ${type()} ${release()}, Node ${process.version}`;
}
