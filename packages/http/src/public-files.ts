import { fileURLToPath } from "node:url";

/** The folder with the style sheet that pages share, `base.css`. */
export const sharedPublicFolder = fileURLToPath(new URL("../public", import.meta.url));
