import { MultiBar, Presets } from "cli-progress";

export interface ProgressBar {
  update(done: number, total: number): void;
}

/** Draws progress bars on stderr, because stdout is for a command's result. Without a terminal nothing is drawn. */
export function progressBars(): Disposable & { add(title: string, unit: string): ProgressBar } {
  if (!process.stderr.isTTY) return { add: () => ({ update() {} }), [Symbol.dispose]() {} };
  const format = "{title} [{bar}] {percentage} % | {value}/{total} {unit}";
  const bars = new MultiBar({ format, hideCursor: true, stream: process.stderr }, Presets.legacy);
  return {
    add(title, unit) {
      const bar = bars.create(0, 0, { title: title.padEnd(16), unit });
      return {
        update(done, total) {
          bar.setTotal(total);
          bar.update(done);
        },
      };
    },
    [Symbol.dispose]: () => bars.stop(),
  };
}
