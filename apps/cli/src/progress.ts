import { MultiBar, Presets } from "cli-progress";

export interface ProgressBar extends Disposable {
  update(done: number, total: number): void;
}

/** A progress bar on stderr, so that stdout stays a command's result. Without a terminal there is none. */
export function progressBar(title: string, unit: string, group = progressBars()): ProgressBar {
  const bar = group.create(0, 0, { title: title.padEnd(24), unit });
  return {
    update(done, total) {
      bar.setTotal(total);
      bar.update(done);
    },
    [Symbol.dispose]: () => group.stop(),
  };
}

/** Bars that are drawn below each other, to be given to `progressBar`. */
export function progressBars(): MultiBar {
  return new MultiBar(
    { format: "{title} [{bar}] {percentage} % | {value}/{total} {unit}", hideCursor: true, stream: process.stderr },
    Presets.legacy,
  );
}
