// Chart.js with bars and points and nothing else, in the colours of the tokens.
import {
  BarController, BarElement, CategoryScale, Chart, LinearScale, PointElement, ScatterController, Tooltip, type ChartDataset, type ChartOptions,
  type Plugin,
} from "chart.js";

import type { FidelityPoint } from "../state/fidelity-points";

Chart.register(BarController, BarElement, CategoryScale, LinearScale, PointElement, ScatterController, Tooltip);

/** Read anew at every drawing, so that an update after the system went from light to dark is enough. */
const token = (name: string) => (): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const textColours = { color: token("--text-muted") };

export const barLook = {
  backgroundColor: token("--accent"),
  hoverBackgroundColor: token("--accent-strong"),
  borderRadius: 3,
  maxBarThickness: 36,
  categoryPercentage: 0.85,
  barPercentage: 0.9,
};

const tooltipLook = { displayColors: false, backgroundColor: token("--text"), titleColor: token("--surface"), bodyColor: token("--surface") };

/** Options of a bar chart; `scale` writes the figures at its side, `tooltip` the lines about a bar. */
export function barOptions(scale: (value: number) => string, tooltip: (index: number) => string[]): ChartOptions<"bar"> {
  return {
    animation: false,
    maintainAspectRatio: false,
    font: { family: getComputedStyle(document.body).fontFamily, size: 12 },
    plugins: { tooltip: { ...tooltipLook, callbacks: { label: (item) => tooltip(item.dataIndex) } } },
    scales: {
      x: { grid: { display: false }, border: { display: false }, ticks: { ...textColours, maxRotation: 0, autoSkipPadding: 16 } },
      y: {
        beginAtZero: true,
        grid: { color: token("--border") },
        border: { display: false },
        ticks: { ...textColours, maxTicksLimit: 5, callback: (value) => scale(Number(value)) },
      },
    },
  };
}

type Drawn = { raw: unknown };
const isChosen = ({ raw }: Drawn): boolean => ((raw as FidelityPoint | undefined)?.chosen.length ?? 0) > 0;

/** What the planner chose is a larger diamond. */
export const scatterLook: Omit<ChartDataset<"scatter">, "data"> = {
  // The reference stands at the very top.
  clip: false,
  backgroundColor: token("--accent"),
  pointStyle: (point: Drawn) => (isChosen(point) ? "rectRot" : "circle"),
  pointRadius: (point: Drawn) => (isChosen(point) ? 9 : 6),
  pointHoverRadius: (point: Drawn) => (isChosen(point) ? 11 : 8),
  pointHoverBackgroundColor: token("--accent-strong"),
};

/** Writes beside every point what it is. */
export const pointNames: Plugin<"scatter"> = {
  id: "pointNames",
  afterDatasetsDraw(chart) {
    const { ctx, data, chartArea } = chart;
    ctx.save();
    ctx.font = `600 12px ${getComputedStyle(document.body).fontFamily}`;
    ctx.fillStyle = token("--text")();
    ctx.textBaseline = "middle";
    chart.getDatasetMeta(0).data.forEach((point, index) => {
      const { precision } = data.datasets[0]?.data[index] as FidelityPoint;
      const toTheLeft = point.x + 60 > chartArea.right;
      ctx.textAlign = toTheLeft ? "end" : "start";
      ctx.fillText(precision, point.x + (toTheLeft ? -14 : 14), point.y);
    });
    ctx.restore();
  },
};

type ScatterWords = { across: (value: number) => string; up: (value: number) => string; words: (index: number) => string[] };

/** Options of a chart with points: what is written along both sides, and the lines about a point. */
export function scatterOptions({ across, up, words }: ScatterWords): ChartOptions<"scatter"> {
  const side = { border: { display: false }, grid: { color: token("--border") } };
  return {
    animation: false,
    maintainAspectRatio: false,
    layout: { padding: { top: 14 } },
    font: { family: getComputedStyle(document.body).fontFamily, size: 12 },
    plugins: { tooltip: { ...tooltipLook, callbacks: { label: (item) => words(item.dataIndex) } } },
    scales: {
      x: { ...side, grace: "10%", ticks: { ...textColours, maxRotation: 0, maxTicksLimit: 6, callback: (value) => across(Number(value)) } },
      y: { ...side, max: 1, grace: "15%", ticks: { ...textColours, maxTicksLimit: 6, callback: (value) => up(Number(value)) } },
    },
  };
}

export { Chart };
