// Draws each chart from the table inside it: the table is the chart's only data,
// so drawing and table cannot disagree.

const charts = new Map(); // figure to its plot

// The policy lets in this kit's own copy of uPlot and nothing else.
const rules = {
  createScriptURL(url) {
    const to = new URL(url, location.href);
    if (to.origin === location.origin && to.pathname.startsWith("/assets/uplot.")) return to.href;
    throw new TypeError("not an asset");
  },
};
const policy = window.trustedTypes ? trustedTypes.createPolicy("thimble", rules) : rules;

let loading;
function library(figure) {
  loading ??= new Promise((resolve, reject) => {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = figure.dataset.uplotCss;
    const script = document.createElement("script");
    script.src = policy.createScriptURL(figure.dataset.uplot);
    script.onload = () => resolve(window.uPlot);
    script.onerror = reject;
    document.head.append(style, script);
  });
  return loading;
}

function read(figure) {
  const table = figure.querySelector(".data table"); // the legend is a table too
  const heads = [...table.tHead.rows[0].cells].slice(1);
  const rows = [...table.tBodies[0].rows];
  const columns = heads.map((head, i) => ({
    label: head.firstChild.textContent.trim(),
    role: head.dataset.role,
    dashed: head.dataset.dashed !== undefined,
    values: rows.map((row) => {
      const raw = row.cells[i + 1].dataset.y;
      return raw === "" ? null : Number(raw);
    }),
  }));
  return {
    x: rows.map((row) => Number(row.cells[0].dataset.x)),
    names: rows.map((row) => row.cells[0].textContent),
    columns,
  };
}

// A custom property keeps light-dark() unresolved; a colour does not.
function colour(box, token) {
  box.style.color = `var(${token})`;
  const value = getComputedStyle(box).color;
  box.style.color = "";
  return value;
}

function faded(value, alpha) {
  const c = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  c.fillStyle = value;
  c.fillRect(0, 0, 1, 1);
  const [r, g, b] = c.getImageData(0, 0, 1, 1).data;
  return `rgba(${r}, ${g}, ${b}, ${alpha})`;
}

const compact = new Intl.NumberFormat("en-GB", { notation: "compact", maximumFractionDigits: 1 });
const exact = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 2 });

function seriesOf(data, figure, box, uPlot) {
  const style = figure.dataset.chart;
  const series = [{}];
  const bands = [];
  let n = 0;
  for (const column of data.columns) {
    if (column.role === "value") n = (n % 6) + 1;
    const stroke = colour(box, `--series-${n}`);
    const one = { label: column.label, value: (_, v) => (v == null ? "" : exact.format(v)), points: { show: false } };
    if (column.role !== "value") {
      Object.assign(one, { class: "band", stroke: "transparent", width: 0 });
      if (column.role === "high") bands.push({ series: [series.length, series.length - 1], fill: faded(stroke, 0.16) });
    } else if (style === "bar") {
      Object.assign(one, { stroke, fill: faded(stroke, 0.85), width: 0, paths: uPlot.paths.bars({ size: [0.64, 48], radius: 0.12 }) });
    } else {
      Object.assign(one, { stroke, width: 2, dash: column.dashed ? [6, 5] : undefined });
      if (style === "area") one.fill = faded(stroke, 0.12);
    }
    series.push(one);
  }
  return { series, bands };
}

// Dates as the tables write them; uPlot's own are American.
const days = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const months = new Intl.DateTimeFormat("en-GB", { month: "short", year: "numeric", timeZone: "UTC" });
const hours = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
function dates(_, splits, __, ___, step) {
  const format = step >= 28 * 86400 ? months : step >= 86400 ? days : hours;
  return splits.map((seconds) => format.format(seconds * 1000));
}

function axesOf(data, figure, box) {
  const ink = colour(box, "--muted");
  const line = colour(box, "--line");
  const font = `12px ${getComputedStyle(box).fontFamily}`;
  const x = { stroke: ink, font, grid: { show: false }, ticks: { show: false }, space: 70, gap: 6, size: 32 };
  if (figure.dataset.axis === "time") x.values = dates;
  else {
    const width = Math.max(4, Math.floor(box.clientWidth / data.names.length / 7));
    const short = (name) => (name.length > width ? name.slice(0, Math.max(1, width - 1)) + "…" : name);
    Object.assign(x, {
      space: Math.max(26, 7.5 * Math.max(...data.names.map((name) => short(name).length))), // labels do not touch
      incrs: [1, 2, 5, 10, 20, 50, 100],
      values: (_, splits) => splits.map((i) => (Number.isInteger(i) && data.names[i] ? short(data.names[i]) : "")),
    });
  }
  const y = {
    stroke: ink, font, size: 46, gap: 4, ticks: { show: false }, grid: { stroke: line, width: 1 },
    values: (_, splits) => splits.map((v) => compact.format(v)),
  };
  return [x, y];
}

function options(data, figure, box, uPlot) {
  const named = figure.dataset.axis === "name";
  const bar = figure.dataset.chart === "bar";
  const x = { time: !named };
  if (named) x.range = [bar ? -0.6 : 0, data.x.length - (bar ? 0.4 : 1)];
  const low = Math.min(0, ...data.columns.flatMap((c) => c.values.filter((v) => v !== null)));
  const top = { pad: 0.1, soft: 0, mode: 1 };
  const y = { range: (_, min, max) => (bar || low >= 0 ? [low, uPlot.rangeNum(0, max, { min: top, max: top })[1]] : uPlot.rangeNum(min, max, 0.1, true)) };
  const { series, bands } = seriesOf(data, figure, box, uPlot);
  series[0].value = (_, x, __, i) => data.names[i] ?? "";
  series[0].label = figure.querySelector(".data thead th").textContent;
  return {
    width: box.clientWidth,
    height: figure.classList.contains("small") ? 140 : 240,
    padding: [12, 24, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    scales: { x, y },
    cursor: { y: false, drag: { x: !named, y: false }, points: { size: 8 } },
    legend: { live: true, markers: { width: 0, fill: (_, i) => series[i].stroke } },
    axes: axesOf(data, figure, box),
    series,
    bands,
  };
}

async function draw(figure) {
  const box = figure.querySelector(".plot");
  if (!box) return;
  try {
    const uPlot = await library(figure);
    const data = read(figure);
    charts.get(figure)?.destroy();
    figure.dataset.drawn = "";
    const columns = data.columns.map((c) => c.values);
    const plot = new uPlot(options(data, figure, box, uPlot), [data.x, ...columns], box);
    charts.set(figure, plot);
  } catch (error) {
    delete figure.dataset.drawn;
    figure.dataset.failed = ""; // the table stays
    console.warn("chart not drawn", error);
  }
}

const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const plot = charts.get(target.closest("figure"));
    const width = target.clientWidth;
    if (plot && width > 0 && width !== plot.width) plot.setSize({ width, height: plot.height });
  }
});

function start(scope) {
  for (const figure of scope.querySelectorAll("figure[data-chart]")) {
    if (charts.has(figure)) continue;
    charts.set(figure, undefined);
    const details = figure.querySelector("details");
    if (details) details.open = false;
    draw(figure).then(() => {
      const box = figure.querySelector(".plot");
      if (box) sizes.observe(box);
      if (figure.dataset.failed !== undefined && details) details.open = true;
    });
  }
  for (const figure of charts.keys()) {
    if (figure.isConnected) continue;
    charts.get(figure)?.destroy();
    charts.delete(figure);
  }
}

function redraw() {
  for (const figure of charts.keys()) draw(figure);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
document.addEventListener("htmx:after:swap", () => start(document));
start(document);
