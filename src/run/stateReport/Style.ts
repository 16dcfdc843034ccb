/**
 * The style of the page: one family of typefaces, colours that colour-blind readers can tell apart (after Okabe and Ito), and
 * forms for dark screens, phones and paper.
 */
export const style = `
:root{color-scheme:light dark;--ground:#fbfaf8;--paper:#fff;--ink:#1c1b1a;--quiet:#5f5b55;--line:#dedad3;--soft:#f2efe9;
--blue:#0072b2;--orange:#c4550a;--green:#00795a;--purple:#a04a83;--sky:#3a8fc4;--red:#b3261e;--focus:#0072b2;--shade:#b9b4aa}
@media (prefers-color-scheme:dark){:root{--ground:#161514;--paper:#1e1d1b;--ink:#eeebe6;--quiet:#aaa59c;--line:#3a3733;
--soft:#292724;--blue:#6cb6e8;--orange:#f0a35e;--green:#4cc39c;--purple:#d99bc3;--sky:#8fd0f5;--red:#ff9d92;--focus:#8fd0f5;--shade:#6b665e}}
*{box-sizing:border-box}
html{font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;background:var(--ground);
color:var(--ink);-webkit-text-size-adjust:100%}
body{margin:0}
header,main,footer{max-width:1120px;margin:0 auto;padding:0 24px}
header{padding-top:40px}
h1{font-size:32px;line-height:1.2;letter-spacing:-.02em;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:21px;line-height:1.3;letter-spacing:-.01em;margin:0 0 4px}
h3{font-size:16px;margin:28px 0 4px}
p{margin:0 0 12px;max-width:72ch}
a{color:var(--blue)}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px;border-radius:4px}
.skip{position:absolute;left:-999px}.skip:focus{left:24px;top:8px;background:var(--paper);padding:8px 12px;z-index:1}
.eyebrow{color:var(--quiet);font-size:14px;margin:0 0 8px}
.lead{font-size:18px;margin:8px 0 16px}
.quiet,.empty{color:var(--quiet)}
.empty{margin:8px 0 0}
.note{border-left:4px solid var(--orange);background:var(--paper);padding:10px 16px;margin:16px 0;max-width:none}
nav ul,.legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 20px;padding:0;margin:0 0 8px;font-size:14px}
nav{border-block:1px solid var(--line);margin-top:24px;padding:10px 0 2px}
section{background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:24px;margin:24px 0}
section>p:first-of-type{color:var(--quiet)}
.names{display:grid;grid-template-columns:auto 1fr;gap:4px 12px;margin:12px 0}.names dt{font-weight:600}
.names dd{margin:0;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:16px;margin:24px 0;padding:0}
.tile{background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:16px 20px}
.tile dt{color:var(--quiet);font-size:14px}
.tile dd{margin:0}
.tile .big{font-size:28px;line-height:1.25;font-weight:600;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.tile .small{color:var(--quiet);font-size:14px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:8px 40px}
.pair>*{min-width:0}
.triple{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr));gap:8px 28px}
.triple>*{min-width:0}
h4{font-size:14px;margin:12px 0 0}
figure{margin:12px 0 4px}
.plot{display:block;max-width:100%;height:auto;font-size:12px;font-family:inherit}
.plot text{white-space:pre}
.swatch{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:6px;vertical-align:-1px}
.swatch.blue{background:var(--blue)}.swatch.orange{background:var(--orange)}.swatch.green{background:var(--green)}
.swatch.purple{background:var(--purple)}.swatch.sky{background:var(--sky)}.swatch.red{background:var(--red)}
.swatch.grey{background:var(--quiet)}
.scroll{overflow-x:auto;margin:12px 0}
/* A shadow at a side shows that there is more to scroll to; at the end, the paper covers it. */
.scroll,.wide{background:linear-gradient(90deg,var(--paper) 40%,transparent) 0 0/40px 100% no-repeat local,
linear-gradient(270deg,var(--paper) 40%,transparent) 100% 0/40px 100% no-repeat local,
linear-gradient(90deg,var(--shade),transparent) 0 0/16px 100% no-repeat scroll,
linear-gradient(270deg,var(--shade),transparent) 100% 0/16px 100% no-repeat scroll}
table{border-collapse:collapse;width:100%;font-size:14px}
caption{text-align:left;color:var(--quiet);padding-bottom:6px}
th,td{text-align:left;padding:7px 16px 7px 0;border-top:1px solid var(--line);vertical-align:top;overflow-wrap:break-word;
max-width:360px}
th:last-child,td:last-child{padding-right:0}
thead th{border-top:0;color:var(--quiet);font-weight:600;white-space:nowrap}
tbody th{font-weight:500}
.figure{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
details{margin:8px 0}
summary{cursor:pointer;font-size:14px;color:var(--blue);padding:4px 0}
details.row{border-top:1px solid var(--line);margin:0;padding:4px 0}
details.row>summary{display:grid;grid-template-columns:minmax(0,1fr) auto auto;gap:4px 20px;color:var(--ink);font-size:15px}
details.row>summary::before{content:"▸ ";display:none}
.key{overflow-wrap:anywhere}.key::before{content:"▸ ";color:var(--quiet)}
details[open]>summary .key::before{content:"▾ "}
.badge{display:inline-block;border:1px solid currentColor;border-radius:999px;padding:0 9px;font-size:13px;white-space:nowrap}
.badge.done{color:var(--green)}.badge.failed{color:var(--red)}.badge.pending{color:var(--quiet)}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--soft);border-radius:8px;padding:12px;font-size:13px;
font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;margin:6px 0}
.bar{display:flex;height:14px;border-radius:7px;overflow:hidden;background:var(--soft);margin:16px 0 8px;gap:2px}
.bar span{min-width:3px}.bar .done{background:var(--green)}.bar .failed{background:var(--red)}.bar .invalid{background:var(--purple)}
.bar .pending,.swatch.open{background:var(--line)}
.pipeline,.pipeline ol,.pipeline ul{list-style:none;margin:0;padding:0}
.pipeline ol{display:flex;flex-wrap:wrap;gap:12px 36px;align-items:center}
.pipeline ol>li{position:relative}
.pipeline ol>li+li::before{content:"→";position:absolute;left:-26px;top:50%;transform:translateY(-50%);color:var(--quiet)}
.pipeline ul{display:grid;gap:10px;grid-template-columns:repeat(auto-fit,minmax(min(100%,220px),1fr))}
.pipeline .step{border:1px solid var(--line);border-left:4px solid var(--blue);border-radius:8px;padding:8px 14px;background:var(--ground)}
.pipeline .group{border:1px dashed var(--quiet);border-radius:10px;padding:10px 14px}
.pipeline .name{font-weight:600;overflow-wrap:anywhere}
.pipeline .facts{color:var(--quiet);font-size:13px;font-variant-numeric:tabular-nums}
.pipeline .group>.facts{margin-bottom:8px}
footer{color:var(--quiet);font-size:14px;padding-bottom:40px}
@media (max-width:600px){header,main,footer{padding:0 14px}header{padding-top:24px}section{padding:18px 14px;border-radius:10px}
h1{font-size:26px}.tiles{grid-template-columns:1fr 1fr;gap:10px}.tile{padding:12px 14px}.tile .big{font-size:22px}
details.row>summary{grid-template-columns:1fr auto}details.row>summary .key{grid-column:1/-1}
.wide{overflow-x:auto}.wide .plot{min-width:560px}.pipeline ol{flex-direction:column;align-items:flex-start;gap:34px}
.pipeline ol>li+li::before{content:"↓";left:16px;top:-30px;transform:none}}
@media print{:root{--ground:#fff;--paper:#fff;--ink:#000;--quiet:#444;--line:#bbb;--soft:#f4f4f4;--blue:#005f94;--orange:#a84500;
--green:#00624a;--purple:#8a3a70;--sky:#2878a8;--red:#98150e}html{font-size:12px}nav,.skip,details.data{display:none}
header,main,footer{max-width:none;padding:0}section{border:0;border-top:1px solid var(--line);border-radius:0;padding:14px 0;
margin:14px 0}section,figure,.tile,tr{break-inside:avoid}section{break-inside:auto}h2,h3{break-after:avoid}.scroll,.wide{overflow:visible;background:none}
.tiles{grid-template-columns:repeat(4,1fr);gap:10px}.tile{padding:10px 12px}.tile .big{font-size:19px}}
`
