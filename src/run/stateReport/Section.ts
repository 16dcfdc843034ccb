/**
 * A part of the page with a heading, which the navigation names.
 */
import { type Html, html, type Value } from "./Html.ts"

export interface Section {
  readonly id: string
  readonly title: string
  /** One sentence that says what the part shows, or its result. */
  readonly lead: Value
  readonly body: Value
}

export const draw = ({ body, id, lead, title }: Section): Html =>
  html` <section id="${id}" aria-labelledby="${id}-heading">
    <h2 id="${id}-heading">${title}</h2>
    <p>${lead}</p>
    ${body}
  </section>`

/** What a part says that has nothing to show. */
export const empty = (text: string): Html => html`<p class="empty">${text}</p>`
