import type { AppViewRoute } from "@bull-board/api/typings/app";
import { ExpressAdapter } from "@bull-board/express";
import type { Request, Response } from "express";

/** Bull Board's page without external resources: it loads Google's web fonts, but has system fonts as a fallback. */
export class BoardServerAdapter extends ExpressAdapter {
  override setEntryRoute({ method, route, handler }: AppViewRoute): this {
    this.app[method](route, (_request: Request, response: Response, next) => {
      const { name, params } = handler({ basePath: this.basePath, uiConfig: this.uiConfig });
      response.render(name, params, (error: Error | null, page: string) => {
        if (error) return next(error);
        response.send(withoutForeignLinks(page));
      });
    });
    return this;
  }
}

function withoutForeignLinks(page: string): string {
  return page.replaceAll(/<link\b[^>]*\bhref="(https?:)?\/\/[^>]*>/g, "");
}
