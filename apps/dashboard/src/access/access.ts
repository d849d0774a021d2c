import { type Role, roles } from "@reembed/core";
import { equalSecrets, matchAddresses } from "@reembed/http";
import { authenticate } from "@reembed/migration/access";
import type { Database } from "@reembed/store/database";
import type { Request, Response } from "express";
import { Problem } from "../page/problem.ts";
import { type Identity, personName } from "./identity.ts";
import { Sessions } from "./sessions.ts";

/** The password of each role. Without an admin's everybody is an admin, which is only allowed on a loopback address. */
export type Passwords = Partial<Record<Role, string | undefined>>;

export interface AccessOptions {
  database: Database;
  passwords: Passwords;
  /** Addresses or subnets of proxies that tell in X-Forwarded-User who somebody is; nobody else is believed. */
  userProxies?: readonly string[] | undefined;
  /** The role of whoever such a proxy lets in. */
  userRole?: Role;
}

interface Session extends Pick<Identity, "role" | "name"> {
  /** Whom a proxy told at log-in. The session of somebody else in the same browser is not theirs. */
  user: string | undefined;
}

/** A browser sends a host's cookies to all of its ports: each dashboard there has a session of its own. */
function cookieName(request: Request): string {
  const port = /:(\d+)$/.exec(request.get("host") ?? "")?.[1];
  return port === undefined ? "reembed_session" : `reembed_session_${port}`;
}

/** Decides who somebody is: by a token, by a session that began with a password, or by what a trusted proxy tells. */
export class Access {
  readonly #database: Database;
  readonly #passwords: Passwords;
  readonly #isUserProxy: (address: string) => boolean;
  readonly #userRole: Role;
  readonly #sessions = new Sessions<Session>();

  constructor({ database, passwords, userProxies = [], userRole = "viewer" }: AccessOptions) {
    this.#database = database;
    this.#passwords = passwords;
    this.#isUserProxy = matchAddresses(userProxies);
    this.#userRole = userRole;
  }

  /** Whether there are passwords. */
  get guarded(): boolean {
    return this.#passwords.admin !== undefined;
  }

  /**
   * Undefined if nobody knows. A token stands for itself alone, and a session for more than what a proxy tells: whoever has
   * a password uses it to be more.
   * @throws Problem 401 for a token that is not valid, whatever else the request has.
   */
  async identify(request: Request): Promise<Identity | undefined> {
    const token = bearerToken(request);
    if (token !== undefined) return await this.#byToken(token);
    if (!this.guarded) return { role: "admin", name: undefined, proven: false, by: "address" };
    const user = this.#forwardedUser(request);
    const session = this.session(request);
    if (session !== undefined && session.user === user) {
      return { role: session.role, name: user ?? session.name, proven: user !== undefined, by: "password" };
    }
    return user === undefined ? undefined : { role: this.#userRole, name: user, proven: true, by: "proxy" };
  }

  async #byToken(token: string): Promise<Identity> {
    const found = await authenticate(this.#database, token);
    if ("refused" in found) throw new Problem(401, found.refused);
    return { role: found.role, name: found.name, proven: true, by: "token" };
  }

  /** A proxy replaces the header. If it is there twice, the proxy has added to what its client has sent. */
  #forwardedUser(request: Request): string | undefined {
    const told = request.headersDistinct["x-forwarded-user"];
    // The connection's own address: `request.ip` is what X-Forwarded-For tells.
    if (told?.length !== 1 || !this.#isUserProxy(request.socket.remoteAddress ?? "")) return undefined;
    return personName.safeParse(told[0]).data;
  }

  session(request: Request): Session | undefined {
    return this.#sessions.read(sessionId(request));
  }

  /** The role that a password grants. */
  roleFor(password: string): Role | undefined {
    // Every password is always compared, each in constant time.
    const granted = roles.filter((role) => {
      const expected = this.#passwords[role];
      return expected !== undefined && equalSecrets(password, expected);
    });
    return granted.at(-1);
  }

  logIn(request: Request, response: Response, granted: Omit<Session, "user">): void {
    this.#sessions.end(sessionId(request));
    const session = { ...granted, user: this.#forwardedUser(request) };
    response.cookie(cookieName(request), this.#sessions.begin(session), {
      path: cookiePath(response),
      httpOnly: true,
      sameSite: "strict",
      // A proxy that terminates TLS sets this header. A client that fakes it only makes its own cookie unusable.
      secure: request.secure || request.get("x-forwarded-proto") === "https",
    });
  }

  logOut(request: Request, response: Response): void {
    this.#sessions.end(sessionId(request));
    response.clearCookie(cookieName(request), { path: cookiePath(response) });
  }
}

/** The token of `Authorization: Bearer …`, empty if a script has none to send; undefined without this scheme. */
export function bearerToken(request: Request): string | undefined {
  const header = /^bearer(?:\s+(.*))?$/i.exec(request.get("authorization") ?? "");
  return header === null ? undefined : (header[1] ?? "");
}

/** Other sites below the same host do not receive the cookie. */
function cookiePath({ app }: Response): string {
  return app.locals.basePath || "/";
}

function sessionId(request: Request): string {
  const id: unknown = request.cookies?.[cookieName(request)];
  return typeof id === "string" ? id : "";
}
