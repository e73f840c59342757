// Chart.js with bars and nothing else, in the colours of the tokens.
import { BarController, BarElement, CategoryScale, Chart, LinearScale, Tooltip, type ChartOptions } from "chart.js";

Chart.register(BarController, BarElement, CategoryScale, LinearScale, Tooltip);

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

/** Options of a bar chart; `scale` writes the figures at its side, `tooltip` the lines about a bar. */
export function barOptions(scale: (value: number) => string, tooltip: (index: number) => string[]): ChartOptions<"bar"> {
  return {
    animation: false,
    maintainAspectRatio: false,
    font: { family: getComputedStyle(document.body).fontFamily, size: 12 },
    plugins: {
      tooltip: {
        displayColors: false,
        backgroundColor: token("--text"),
        titleColor: token("--surface"),
        bodyColor: token("--surface"),
        callbacks: { label: (item) => tooltip(item.dataIndex) },
      },
    },
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

export { Chart };
