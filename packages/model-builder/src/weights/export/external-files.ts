import { dirname, join } from "node:path/posix";
import { damaged, WeightFile } from "../weight-file.ts";

/** The files next to an .onnx file that contain its tensors: all in one file, or one file each. */
export class ExternalFiles implements AsyncDisposable {
  readonly #folder: string;
  readonly #exportPath: string;
  readonly #opened = new Map<string, WeightFile>();

  constructor(folder: string, exportPath: string) {
    this.#folder = folder;
    this.#exportPath = exportPath;
  }

  get paths(): string[] {
    return [...this.#opened.keys()];
  }

  /** @throws ReembedError `weights_missing`, or `weights_damaged` if the location is outside the export's folder. */
  async open(location: string): Promise<WeightFile> {
    const beside = dirname(this.#exportPath);
    const path = join(beside, location);
    const opened = this.#opened.get(path);
    if (opened !== undefined) return opened;
    if (location === "" || location.startsWith("/") || (beside !== "." && !path.startsWith(`${beside}/`))) {
      throw damaged(this.#exportPath, `keeps weights in "${location}", outside of its folder`);
    }
    const file = await WeightFile.open(this.#folder, path);
    this.#opened.set(path, file);
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of this.#opened.values()) await file[Symbol.asyncDispose]();
  }
}
