/**
 * Charts as SVG, drawn ahead of time by Observable Plot on a document of linkedom, so that the page needs no script. Both are
 * loaded with this module only.
 */
import * as Plot from "@observablehq/plot"
import { parseHTML } from "linkedom"
import { type Html, html, raw } from "./Html.ts"

/** What a chart shows, in words: its title, and one sentence with its result. */
export interface Words {
  readonly title: string
  readonly description: string
}

/** Charts up to this width fit a phone. */
const narrow = 400

/** Draws charts of one page. Their ids differ. */
export const make = () => {
  let charts = 0
  const { document } = parseHTML("<!doctype html><html><body></body></html>")

  const draw = ({ description, title }: Words, options: Plot.PlotOptions): Html => {
    const id = `chart-${++charts}`
    const svg = Plot.plot({
      document,
      className: "plot",
      width: 680,
      marginLeft: 52,
      style: { background: "none", overflow: "visible" },
      ...options
    })
    svg.setAttribute("role", "img")
    svg.setAttribute("aria-labelledby", `${id}-title ${id}-description`)
    for (const style of svg.querySelectorAll("style")) style.remove()
    // The parts of the picture are not read one by one.
    for (const part of svg.querySelectorAll("[aria-label], [aria-description]")) {
      part.removeAttribute("aria-label")
      part.removeAttribute("aria-description")
    }
    // Plot numbers its ids in each process from 1.
    const drawn = svg.innerHTML.replaceAll(/(id="|url\(#|href="#)(plot-[\w-]+)/g, `$1${id}-$2`)
    const attributes = Array.from(svg.attributes, ({ name, value }) => html` ${raw(name)}="${value}"`)
    const isWide = Number(svg.getAttribute("width")) > narrow
    // A reader with a keyboard scrolls a chart that is wider than the screen.
    return html`<figure${isWide && html` class="wide" tabindex="0"`}>
      <svg xmlns="http://www.w3.org/2000/svg" ${attributes}>
        <title id="${id}-title">${title}</title>
        <desc id="${id}-description">${description}</desc>
        ${raw(drawn)}
      </svg>
    </figure>`
  }
  return { draw }
}

export type Charts = ReturnType<typeof make>

/** The names of colours that the style of the page defines, for light and dark. */
export const colours = {
  blue: "var(--blue)",
  orange: "var(--orange)",
  green: "var(--green)",
  purple: "var(--purple)",
  sky: "var(--sky)",
  grey: "var(--quiet)",
  red: "var(--red)"
} as const

/** The names of colours with what they stand for, above a chart. */
export const legend = (entries: ReadonlyArray<readonly [name: string, colour: keyof typeof colours]>): Html =>
  html` <ul class="legend">
    ${entries.map(([name, colour]) => html`<li><span class="swatch ${colour}" aria-hidden="true"></span>${name}</li>`)}
  </ul>`
