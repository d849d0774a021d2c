import { equalSecrets } from "@reembed/runtime";
import type { Request, Response } from "express";
import { Sessions } from "./sessions.ts";

/** An admin may do everything, a viewer may look. */
export type Role = "admin" | "viewer";

export interface Passwords {
  /** Without one everybody is an admin, which only a loopback address may be. */
  admin?: string | undefined;
  viewer?: string | undefined;
}

const cookieName = "reembed_session";

/** Who may do what: passwords at log-in, a session behind a cookie from then on. */
export class Access {
  readonly #passwords: Passwords;
  readonly #sessions = new Sessions<Role>();

  constructor(passwords: Passwords) {
    this.#passwords = passwords;
  }

  /** Whether there are passwords at all. */
  get guarded(): boolean {
    return this.#passwords.admin !== undefined;
  }

  roleOf(request: Request): Role | undefined {
    if (!this.guarded) return "admin";
    return this.#sessions.read(sessionId(request));
  }

  /** The role that a password gives. */
  roleFor(password: string): Role | undefined {
    const { admin, viewer } = this.#passwords;
    // Both are always compared, each in constant time.
    const isAdmin = admin !== undefined && equalSecrets(password, admin);
    const isViewer = viewer !== undefined && equalSecrets(password, viewer);
    if (isAdmin) return "admin";
    return isViewer ? "viewer" : undefined;
  }

  logIn(request: Request, response: Response, role: Role): void {
    this.#sessions.end(sessionId(request));
    response.cookie(cookieName, this.#sessions.begin(role), {
      path: cookiePath(response),
      httpOnly: true,
      sameSite: "strict",
      // A proxy that ends TLS says so; a client that only pretends to be one keeps its own cookie from working.
      secure: request.secure || request.get("x-forwarded-proto") === "https",
    });
  }

  logOut(request: Request, response: Response): void {
    this.#sessions.end(sessionId(request));
    response.clearCookie(cookieName, { path: cookiePath(response) });
  }
}

/** Other people's pages on the same site do not get it. */
function cookiePath({ app }: Response): string {
  return app.locals.basePath || "/";
}

function sessionId(request: Request): string {
  const id: unknown = request.cookies?.[cookieName];
  return typeof id === "string" ? id : "";
}
