// What each channel gets in every plan: a group of bars a channel, the first plan on top.
import { fitRows, legend, lines, look, moneyAxis, namesAxis } from "./look.js";

export function draw(chart, data, { formats, colours }) {
  const shades = [colours.now, colours.plan, colours.mark, colours.gain];
  fitRows(chart, data.names.length, 14 * data.plans.length + 16, 64);
  chart.setOption({
    ...look(colours),
    legend: legend(colours, { type: "scroll" }),
    grid: { left: 8, right: 24, top: 36, bottom: 4, containLabel: true },
    xAxis: moneyAxis(colours, formats.short, { min: 0 }),
    yAxis: namesAxis(chart, colours, data.names),
    series: data.plans.map((plan, i) => ({
      type: "bar", name: plan.label, data: plan.spend, barGap: "10%", barCategoryGap: "28%",
      itemStyle: { color: shades[i % shades.length] },
    })),
  });
  chart.setOption({
    tooltip: {
      axisPointer: { type: "none" },
      formatter: (params) => lines(params[0].name, params.map((one) => [one.seriesName, `${formats.money(one.value ?? 0)} ${data.unit}`.trim()])),
    },
  });
}
