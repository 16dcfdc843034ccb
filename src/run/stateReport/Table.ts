/**
 * A table with a caption and headings, which scrolls sideways where it is wider than the screen.
 */
import { type Html, html, type Value } from "./Html.ts"

/** A column: its heading, and whether its cells are figures, which are aligned at the right. */
export interface Column<A> {
  readonly name: string
  readonly isFigure?: boolean
  readonly cell: (row: A) => Value
}

/** The first column names the row. */
export const make = <A>(caption: string, columns: ReadonlyArray<Column<A>>, rows: ReadonlyArray<A>): Html =>
  html` <div class="scroll" role="region" tabindex="0" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map(
            ({ isFigure, name }) => html`<th scope="col" ${isFigure === true && html` class="figure"`}>${name}</th>`
          )}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${columns.map((column, index) => cell(column, row, index))}
            </tr>`
        )}
      </tbody>
    </table>
  </div>`

const cell = <A>({ cell, isFigure }: Column<A>, row: A, index: number): Html =>
  index === 0
    ? html`<th scope="row">${cell(row)}</th>`
    : html`<td${isFigure === true && html` class="figure"`}>${cell(row)}</td>`

/** The data of a chart, for screen readers and for whoever wants the numbers. */
export const ofChart = <A>(caption: string, columns: ReadonlyArray<Column<A>>, rows: ReadonlyArray<A>): Html =>
  html` <details class="data">
    <summary>Data of this chart</summary>
    ${make(caption, columns, rows)}
  </details>`
