import { assert, describe, it } from "@effect/vitest"
import { html, raw } from "../../../src/run/stateReport/Html.ts"

describe("a template of HTML", () => {
  it("escapes every value, in text and in attributes, and keeps what is HTML", () => {
    const text = `<script>alert("&'")</script>`
    assert.strictEqual(
      html`<p title="${text}">${text}${raw("<b>bold</b>")}</p>`.text,
      '<p title="&#60;script&#62;alert(&#34;&#38;&#39;&#34;)&#60;/script&#62;">&#60;script&#62;alert(&#34;&#38;&#39;&#34;)&#60;/script&#62;<b>bold</b></p>'
    )
  })

  it("joins lists, leaves out what is false or undefined, and keeps zero", () => {
    assert.strictEqual(html`${[html`<i>1</i>`, "<"]}${false}${undefined}${0}`.text, "<i>1</i>&#60;0")
  })

  it("replaces characters that a page must not have", () => {
    assert.strictEqual(html`${"a\u0000b\ud800\uffff\tc"}`.text, "a\ufffdb\ufffd\ufffd\tc")
  })
})
