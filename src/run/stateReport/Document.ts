/**
 * A page that needs no network and no script. Its policy forbids both, whatever a row contains.
 */
import { type Html, html, raw, type Value } from "./Html.ts"
import { style } from "./Style.ts"

export interface Document {
  readonly title: string
  readonly header: Html
  /** The sections in the order of the page, with their titles for the navigation. */
  readonly parts: ReadonlyArray<readonly [id: string, title: string]>
  readonly body: Value
  readonly footer: Value
}

export const draw = ({ body, footer, header, parts, title }: Document): string => {
  const [[first] = [""]] = parts
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
        />
        <meta name="color-scheme" content="light dark" />
        <meta name="generator" content="effect-claude" />
        <title>${title}</title>
        <style>
          ${raw(style)}
        </style>
      </head>
      <body>
        <a class="skip" href="#${first}">Skip to the report</a>
        ${header}
        <main>
          <nav aria-label="Parts of the report">
            <ul>
              ${parts.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}
            </ul>
          </nav>
          ${body}
        </main>
        <footer><p>${footer}</p></footer>
      </body>
    </html> `
  return page.text
}
