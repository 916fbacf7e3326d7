"use strict";

// The charts of the page: small multiples with one axis of time, drawn by uPlot. Each has a text alternative.
const Charts = (() => {
  // steps returns the distances that an axis may have between two ticks: 1, 2 and 5 times the powers of a base.
  function steps(base, tens, least) {
    const all = [];
    for (let unit = 1; unit < 1e15; unit *= base) {
      for (let ten = 1; ten < tens; ten *= 10) for (const n of [1, 2, 5]) if (n * ten * unit >= least) all.push(n * ten * unit);
    }
    return all;
  }
  const columns = [
    { id: "rate", title: "Rows per second", index: 2, text: (v) => Format.short(v) },
    { id: "impact", title: "Impact", index: 3, limit: 4, text: (v) => v.toFixed(2) + " ×", tick: (v) => v.toFixed(1) + " ×" },
    { id: "wal", title: "WAL per second", index: 5, text: (v) => Format.bytes(v), steps: steps(1024, 1000, 1) },
    { id: "batch", title: "Batch time", index: 6, text: (v) => Format.duration(v) },
    { id: "lag", title: "Lag of standbys", index: 7, text: (v) => Format.duration(v) },
    { id: "waiting", title: "Sessions waiting for a lock", index: 8, text: (v) => String(Math.round(v)), steps: steps(10, 10, 1) },
  ];
  const most = 5000; // samples, after which the page asks for the thinned ones again
  let samples = [];
  let pauses = [];
  let plots = [];

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // data returns the columns of one chart; a gap of more than the usual distance is not bridged.
  function data(c) {
    const times = samples.map((s) => s[0]);
    const series = [times, samples.map((s) => s[c.index])];
    if (c.limit) series.push(samples.map((s) => s[c.limit]));
    return series;
  }

  // shade fills the times in which the run was paused.
  function shade(u) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.fillStyle = color("--warn-soft");
    for (const p of pauses) {
      const left = Math.max(u.valToPos(p.from, "x", true), bbox.left);
      const right = Math.min(u.valToPos(p.to || Date.now() / 1000, "x", true), bbox.left + bbox.width);
      if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
    ctx.restore();
  }

  // clocks returns the labels of the axis of time, without those that would not fit at an end.
  function clocks(u, ticks) {
    const [low, high] = [u.scales.x.min, u.scales.x.max];
    return ticks.map((t) => {
      const at = (t - low) / ((high - low) || 1) * u.over.clientWidth;
      return at < 24 || at > u.over.clientWidth - 20 ? "" : Format.clock(t * 1000);
    });
  }

  // top returns the end of the axis of values. One outlier must not flatten a chart with a limit: values above four times the limit are cut off.
  function top(c, u, high) {
    const limits = (c.limit && u.data && u.data[2] || []).filter((v) => v > 0);
    const end = high > 0 ? high * 1.1 : 1;
    return limits.length ? Math.min(end, 4 * Math.max(...limits)) : end;
  }

  function options(c, width, height) {
    const soft = color("--soft"), line = color("--line"), accent = color("--accent");
    const axis = { stroke: soft, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
    const series = [{}, { stroke: accent, width: 1.5, fill: accent + "22", points: { show: (u) => u.data[0].length === 1 } }];
    if (c.limit) series.push({ stroke: color("--bad"), width: 1, dash: [5, 4], points: { show: false } });
    return {
      width, height, series,
      legend: { show: false }, cursor: { show: false }, select: { show: false },
      padding: [8, 6, 0, 0],
      scales: { x: { time: true }, y: { range: (u, _, high) => [0, top(c, u, high)] } },
      axes: [
        { ...axis, size: 22, gap: 5, space: 80, grid: { show: false }, values: clocks },
        { ...axis, size: 54, gap: 4, space: 26, values: (_, ticks) => ticks.map(c.tick || c.text), ...(c.steps ? { incrs: c.steps } : {}) },
      ],
      hooks: { drawClear: [shade] },
    };
  }

  function build() {
    const place = document.getElementById("charts");
    for (const p of plots) p.plot && p.plot.destroy();
    place.replaceChildren();
    plots = columns.map((c) => {
      const figure = document.createElement("figure");
      const caption = document.createElement("figcaption");
      const title = document.createElement("span");
      const value = document.createElement("b");
      const box = document.createElement("div");
      title.textContent = c.title;
      value.id = "now-" + c.id;
      value.textContent = "–";
      caption.append(title, value);
      box.className = "plot";
      box.setAttribute("role", "img");
      box.setAttribute("aria-label", c.title + ": nothing measured yet");
      figure.append(caption, box);
      place.append(figure);
      return { column: c, box, value, plot: null, described: 0 };
    });
    draw(true);
  }

  // describe returns the text alternative of a chart.
  function describe(c, values) {
    const low = Math.min(...values), high = Math.max(...values), last = values[values.length - 1];
    return `${c.title}: now ${c.text(last)}, between ${c.text(low)} and ${c.text(high)} since ${Format.clock(samples[0][0] * 1000)}`;
  }

  function draw(force) {
    for (const p of plots) {
      const values = samples.map((s) => s[p.column.index]).filter((v) => v !== null);
      const last = samples.length ? samples[samples.length - 1][p.column.index] : null;
      const limit = p.column.limit && samples.length ? samples[samples.length - 1][p.column.limit] : null;
      p.value.textContent = last === null ? "–" : p.column.text(last) + (limit ? " of " + p.column.text(limit) : "");
      if (last !== null) p.value.dataset.value = last;
      const now = Date.now();
      if (values.length && (force || now - p.described > 5000)) { // a screen reader need not hear each second
        p.box.setAttribute("aria-label", describe(p.column, values));
        p.described = now;
      }
      const width = p.box.clientWidth, height = p.box.clientHeight;
      if (!width || !samples.length) continue;
      if (!p.plot) p.plot = new uPlot(options(p.column, width, height), data(p.column), p.box);
      else p.plot.setData(data(p.column));
    }
  }

  function resize() {
    for (const p of plots) {
      if (p.plot) p.plot.setSize({ width: p.box.clientWidth, height: p.box.clientHeight });
    }
  }

  addEventListener("resize", resize);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", build);

  return {
    build,
    // add takes the new samples; it returns false if there are too many to keep.
    add(rows, reset, newPauses) {
      if (reset) samples = [];
      samples.push(...rows);
      pauses = newPauses;
      draw(false);
      return samples.length <= most;
    },
    count: () => samples.length,
  };
})();
