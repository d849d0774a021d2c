import { equalSecrets } from "@reembed/http";
import type { Request, Response } from "express";
import { Sessions } from "./sessions.ts";

/** An admin may do everything; a viewer may only read. */
export type Role = "admin" | "viewer";

export interface Passwords {
  /** Without it everybody is an admin, which is only allowed on a loopback address. */
  admin?: string | undefined;
  viewer?: string | undefined;
}

const cookieName = "reembed_session";

/** Decides who may do what: by password at log-in, then by a session with a cookie. */
export class Access {
  readonly #passwords: Passwords;
  readonly #sessions = new Sessions<Role>();

  constructor(passwords: Passwords) {
    this.#passwords = passwords;
  }

  /** Whether there are passwords. */
  get guarded(): boolean {
    return this.#passwords.admin !== undefined;
  }

  roleOf(request: Request): Role | undefined {
    if (!this.guarded) return "admin";
    return this.#sessions.read(sessionId(request));
  }

  /** The role that a password grants. */
  roleFor(password: string): Role | undefined {
    const { admin, viewer } = this.#passwords;
    // Both passwords are always compared, each in constant time.
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
      // A proxy that terminates TLS sets this header. A client that fakes it only makes its own cookie unusable.
      secure: request.secure || request.get("x-forwarded-proto") === "https",
    });
  }

  logOut(request: Request, response: Response): void {
    this.#sessions.end(sessionId(request));
    response.clearCookie(cookieName, { path: cookiePath(response) });
  }
}

/** Other sites below the same host do not receive the cookie. */
function cookiePath({ app }: Response): string {
  return app.locals.basePath || "/";
}

function sessionId(request: Request): string {
  const id: unknown = request.cookies?.[cookieName];
  return typeof id === "string" ? id : "";
}
