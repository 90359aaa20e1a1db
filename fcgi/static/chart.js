// Bars of days, drawn as SVG; the same numbers stand in a table beside it, for those who do not see
// them and for those who want them exactly.

import { element, table } from "./dom.js";
import { t } from "./i18n.js";

const SVG = "http://www.w3.org/2000/svg";
const NARROW = "(max-width: 40rem)";
const HEIGHT = 160;
const LEFT = 46;
const BOTTOM = 20;
const LABEL_PX = 64;

function shape(name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    node.setAttribute(key, value);
  }
  if (text !== undefined) {
    node.textContent = text;
  }
  return node;
}

/** A round number that is not less than the largest. */
function ceiling(largest) {
  if (largest <= 0) {
    return 1;
  }
  const size = 10 ** Math.floor(Math.log10(largest));
  return [1, 2, 2.5, 5, 10].map((step) => step * size).find((step) => step >= largest);
}

function axis(svg, top, width, format) {
  for (const share of [0, 0.5, 1]) {
    const y = (HEIGHT - BOTTOM) * (1 - share) + 6;
    svg.append(shape("line", { x1: LEFT, x2: width, y1: y, y2: y, class: "grid" }),
      shape("text", { x: LEFT - 6, y: y + 4, class: "axis end" }, format(top * share)));
  }
}

/** One bar for a row, its series on top of one another. */
function bar(svg, row, series, { x, width, top, label }) {
  const scale = (HEIGHT - BOTTOM) / top;
  let y = HEIGHT - BOTTOM + 6;
  const group = shape("g", {});
  group.append(shape("title", {}, label));
  for (const { key, tone } of series) {
    const height = Math.max(0, row[key] * scale);
    y -= height;
    if (height > 0) {
      group.append(shape("rect", { x, y, width, height, class: `column ${tone}` }));
    }
  }
  svg.append(group);
}

/**
 * Bars. rows: [{ date, key: number, ... }]; series: [{ key, title, tone }], stacked from below;
 * format(value) -> text. Returns a figure with a legend and the table.
 */
export function bars({ title, rows, series, format }) {
  const sums = rows.map((row) => series.reduce((sum, { key }) => sum + row[key], 0));
  const top = ceiling(Math.max(0, ...sums));
  const whole = window.matchMedia(NARROW).matches ? 340 : 620;
  const svg = shape("svg", { viewBox: `0 0 ${whole} ${HEIGHT + 12}`, role: "img", "aria-label": title });
  const step = (whole - LEFT) / Math.max(rows.length, 1);
  axis(svg, top, whole, format);
  rows.forEach((row, index) => {
    const x = LEFT + index * step + step * 0.15;
    const label = `${row.date}: ${series.map(({ key, title: name }) => `${name} ${format(row[key])}`).join(", ")}`;
    bar(svg, row, series, { x, width: step * 0.7, top, label });
    if (index % Math.ceil(LABEL_PX / step) === 0 && x + LABEL_PX / 2 < whole) {
      svg.append(shape("text", { x, y: HEIGHT + 6, class: "axis" }, row.date.slice(5)));
    }
  });
  return element("figure", { class: "chart" },
    element("figcaption", {}, title, series.length > 1 && element("span", { class: "legend" },
      series.map(({ title: name, tone }) => element("span", { class: `key ${tone}` }, name)))), svg,
    element("details", {}, element("summary", {}, t("chart.table")), table({
      caption: title, rows: rows.filter((row, index) => sums[index] > 0),
      columns: [{ title: t("chart.day"), cell: (row) => row.date }, ...series.map(({ key, title: name }) =>
        ({ title: name, cell: (row) => format(row[key]), class: "number" }))],
    })));
}
