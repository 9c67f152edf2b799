// The look all charts of plans share: axes, tooltips, heights.
import { FONT } from "../palette.js";

const TEXT = 12; // pixels
const NARROW = 480; // pixels: below it labels get less room

export function isNarrow(chart) {
  return chart.getWidth() < NARROW;
}

export function look(colours) {
  return {
    animation: false,
    textStyle: { fontFamily: FONT, fontSize: TEXT, color: colours.ink },
    tooltip: {
      trigger: "axis",
      confine: true,
      renderMode: "richText",
      backgroundColor: colours.surface,
      borderColor: colours.line,
      textStyle: { fontFamily: FONT, fontSize: TEXT, color: colours.ink },
      axisPointer: { type: "line", lineStyle: { color: colours.faint, type: "dashed" } },
    },
  };
}

export function moneyAxis(colours, format, more = {}) {
  return {
    type: "value",
    axisLabel: { formatter: format, color: colours.faint, hideOverlap: true },
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: colours.line } },
    nameTextStyle: { color: colours.faint, fontSize: TEXT },
    ...more,
  };
}

// Names of rows, the first on top, as wide as the chart has room for.
export function namesAxis(chart, colours, names, more = {}) {
  return {
    type: "category",
    inverse: true,
    data: names,
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { color: colours.ink, width: isNarrow(chart) ? 96 : 168, overflow: "truncate", interval: 0 },
    ...more,
  };
}

// Rows want so many pixels each; the place is made as high as they need.
export function fitRows(chart, rows, each, more) {
  const place = chart.getDom();
  place.style.height = `${rows * each + more}px`;
  chart.resize();
}

export function lines(title, pairs) {
  return [title, ...pairs.map(([name, text]) => `${name}: ${text}`)].join("\n");
}

export function legend(colours, more = {}) {
  return { top: 0, left: 0, textStyle: { color: colours.ink }, pageTextStyle: { color: colours.faint }, selectedMode: false, ...more };
}
