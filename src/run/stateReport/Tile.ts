/**
 * A figure at the top of a page: its name, its value, and what it is a part of. Tiles are in a list of terms.
 */
import { type Html, html, type Value } from "./Html.ts"

export const draw = (name: string, value: string, more: Value): Html =>
  html` <div class="tile">
    <dt>${name}</dt>
    <dd class="big">${value}</dd>
    <dd class="small">${more}</dd>
  </div>`
