"use strict";

// The page draws what the server sends: server-sent events with the state, and with the samples and lines of the log that the
// page lacks. Text from the server is only ever set as textContent.
const Format = {
  number: (n) => Math.round(n).toLocaleString("en-US"),
  short(n) {
    for (const [size, name] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
      if (Math.abs(n) >= size) return (n / size).toFixed(n / size < 10 ? 1 : 0) + " " + name;
    }
    return n !== 0 && Math.abs(n) < 10 && n % 1 ? n.toFixed(1) : String(Math.round(n));
  },
  bytes(n) {
    const units = ["B", "kB", "MB", "GB", "TB"];
    let unit = 0;
    while (n >= 1024 && unit < units.length - 1) { n /= 1024; unit++; }
    return (unit && n < 10 ? n.toFixed(1) : Math.round(n)) + " " + units[unit];
  },
  // duration takes milliseconds.
  duration(ms) {
    if (ms === 0) return "0 ms";
    if (ms < 10) return ms.toFixed(1) + " ms";
    if (ms < 1000) return Math.round(ms) + " ms";
    const s = ms / 1000;
    if (s < 10) return (Math.floor(s * 10) / 10).toFixed(1) + " s";
    if (s < 60) return Math.floor(s) + " s";
    if (s < 3600) return Math.floor(s / 60) + " min " + Math.floor(s % 60) + " s";
    return Math.floor(s / 3600) + " h " + Math.floor(s / 60) % 60 + " min";
  },
  clock: (ms) => new Date(ms).toLocaleTimeString("en-GB"),
};

const $ = (id) => document.getElementById(id);
const maxLines = 1000;
let view = null;
let skew = 0; // the server's clock minus this one, in milliseconds

function set(id, text, value) {
  const e = $(id);
  if (e.textContent !== text) e.textContent = text;
  if (value !== undefined) e.dataset.value = value;
}

function note(id, text, kind) {
  const e = $(id);
  e.hidden = !text;
  if (e.textContent !== text) e.textContent = text;
  if (kind !== undefined) e.className = "note " + kind;
}

function pair(now, idle) {
  return now ? `${Format.duration(now)} (${Format.duration(idle)})` : "–";
}

const words = {
  waiting: "no run yet", running: "running", slowed: "slowed down", paused: "paused", done: "done", ended: "not finished", cut: "no connection",
};

function badge(status) {
  const e = $("badge");
  e.dataset.status = status;
  set("badge", words[status] || status);
}

function show(v) {
  view = v;
  skew = v.now - Date.now();
  const name = v.run ? `${v.command} of schema ${v.schema}` + (v.goal ? ` to ${v.goal}` : "") : "";
  set("what", name);
  document.title = v.run ? `${v.percent} % ${words[v.status]} · rekey` : "rekey";
  const where = [];
  if (v.run) where.push("run " + v.run);
  if (v.database) where.push("database " + v.database);
  if (v.server) where.push("PostgreSQL " + v.server);
  if (v.program) where.push("rekey " + v.program);
  set("where", where.join(" · "));
  badge(v.status);
  set("percent", v.run ? v.percent + " %" : "–", v.percent);
  set("rows", v.run ? `${Format.number(v.done)} of ${Format.number(v.total)} rows` + (v.rate && v.status !== "paused" ? `, ${Format.short(v.rate)} rows/s` : "") : "", v.done);
  $("bar").value = v.percent;
  set("left", v.left && v.status !== "paused" ? Format.duration(v.left) : "–");
  const i = v.impact;
  set("commits", i ? pair(i.commit, i.commit_idle) : "–", i ? i.commit : "");
  set("reads", i ? pair(i.read, i.read_idle) : "–", i ? i.read : "");
  set("workers", i ? `${i.workers}, ${Math.round(i.duty * 100)} %` + (i.cause ? ` (${i.cause})` : "") : "–");
  const l = v.locks;
  set("locks", l.count ? `${Format.number(l.count)} (${Format.duration(l.longest_wait)}, ${Format.duration(l.longest_hold)})` : "none", l.count);
  let reason = "";
  if (v.status === "paused") reason = v.reason.startsWith("paused ") ? "P" + v.reason.slice(1) : "Paused: " + v.reason;
  else if (v.status === "slowed") reason = `Slowed down since ${Format.clock(v.since)}: ${v.reason}`;
  else if (v.status === "waiting") reason = "No run has begun in this schema. The page shows the next one when it begins.";
  let kind = "";
  if (v.result) {
    const r = v.result;
    kind = r.ok ? "good" : "bad";
    reason = r.ok ? `Done: ${Format.number(r.rows)} rows in ${Format.duration(r.elapsed)}.` : `Not finished: ${[r.message, r.detail, r.hint].filter(Boolean).join(". ").replaceAll("..", ".")}`;
  }
  note("reason", reason, kind);
  $("reason").dataset.value = v.reason;
  note("trouble", v.trouble);
  for (const id of ["pause", "resume", "pace", "max-impact", "stop"]) $(id).disabled = !v.controls;
  if (v.controls) {
    $("pause").disabled = v.status === "paused";
    $("resume").disabled = v.status !== "paused";
  }
  tables(v);
  tick();
}

function cell(row, name, text, label) {
  const td = row.insertCell();
  td.className = name;
  td.textContent = text;
  if (label) td.dataset.label = label;
  return td;
}

// tables fills the table anew. It has few rows, and none of them has the focus.
function tables(v) {
  const all = v.work.concat(v.finished);
  const pending = Math.max(0, v.parts - v.work.length - v.finished.length - v.hidden);
  let caption = v.run ? `${v.work.length} active, ${v.finished.length + v.hidden} finished, ${pending} pending` : "Nothing has begun yet.";
  if (v.hidden) caption += ` (the oldest ${v.hidden} are not shown)`;
  set("tables-caption", caption);
  const body = document.createElement("tbody");
  body.id = "rows-of-tables";
  for (const t of all) {
    const row = body.insertRow();
    row.dataset.name = t.name;
    row.dataset.done = t.done;
    row.className = t.finished ? "finished" : t.waits ? "waits" : "";
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = t.name;
    row.append(head);
    cell(row, "goal", t.goal);
    cell(row, "doing", t.finished ? "finished" : t.doing);
    cell(row, "number", t.total ? `${Format.number(t.done)}` + (t.finished ? "" : ` of ${Format.number(t.total)}`) : "", "rows");
    const bar = cell(row, "bar", "");
    const progress = document.createElement("progress");
    progress.max = 100;
    progress.value = t.percent;
    progress.setAttribute("aria-label", `${t.name}: rows filled`);
    const percent = document.createElement("span");
    percent.className = "percent";
    percent.textContent = t.percent + " %";
    bar.append(progress, percent);
    cell(row, "number", t.finished || !t.rate ? "" : Format.short(t.rate), "rows/s");
    cell(row, "number", t.finished || !t.left ? "" : Format.duration(t.left), "left");
    cell(row, "number", Format.duration(t.elapsed), "time");
  }
  $("rows-of-tables").replaceWith(body);
}

function lines(list, reset) {
  const log = $("log"), box = $("log-box");
  if (reset) log.replaceChildren();
  const atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 8;
  for (const line of list) {
    const item = document.createElement("li");
    const time = document.createElement("time");
    const text = document.createElement("span");
    time.textContent = Format.clock(line.at);
    time.dateTime = new Date(line.at).toISOString();
    text.textContent = line.text;
    item.append(time, text);
    item.dataset.number = line.number;
    log.append(item);
  }
  while (log.childElementCount > maxLines) log.firstElementChild.remove();
  if (list.length && atEnd) box.scrollTop = box.scrollHeight;
}

// tick shows what changes with the time alone.
function tick() {
  if (!view || !view.run) return;
  const end = view.status === "done" || view.status === "ended" ? view.updated : Date.now() + skew;
  set("elapsed", Format.duration(Math.max(0, end - view.started)));
}

// The stream. A browser has few connections to a server, so a page that nobody sees closes its stream and continues later.
let source = null;
let last = "";
let retry = 0;
let over = false;

function connect() {
  if (source) source.close();
  const stream = new EventSource("events" + (last ? "?after=" + encodeURIComponent(last) : ""));
  source = stream;
  stream.onmessage = (message) => {
    last = message.lastEventId;
    retry = 0;
    const frame = JSON.parse(message.data);
    over = frame.view.over;
    show(frame.view);
    lines(frame.log, frame.reset);
    const fits = Charts.add(frame.samples, frame.reset, frame.view.pauses);
    set("foot", `Last change ${Format.clock(frame.view.updated || frame.view.now)}.`);
    if (over) {
      stream.close();
      note("trouble", frame.view.result ? "rekey has ended. This page stays as it was." : "rekey ends. The page shows nothing new.");
    } else if (!fits) {
      last = "";
      connect();
    }
  };
  stream.onerror = () => {
    stream.close();
    if (source === stream) lost();
  };
}

// lost says why there is no stream, and tries again.
async function lost() {
  source = null;
  if (over) return;
  const wait = Math.min(10000, 500 * 2 ** retry++);
  let why = "The connection to rekey is lost.";
  const cancel = new AbortController();
  try {
    const answer = await fetch("events", { signal: cancel.signal });
    if (!answer.ok) why = await answer.text();
    cancel.abort();
    if (answer.status === 401 || answer.status === 403) {
      badge("cut");
      note("trouble", why);
      return;
    }
  } catch { /* there is no answer */ }
  badge("cut");
  note("trouble", `${why} Trying again in ${Format.duration(wait)}.`);
  for (const id of ["pause", "resume", "pace", "max-impact", "stop"]) $(id).disabled = true;
  setTimeout(() => { if (!source && !document.hidden) connect(); }, wait);
}

document.addEventListener("visibilitychange", () => {
  if (over) return;
  if (document.hidden) {
    if (source) source.close();
    source = null;
  } else if (!source) connect();
});

let forget = 0; // the timer that removes the answer

async function send(verb, body, said) {
  try {
    const answer = await fetch("run/" + verb, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    note("answer", answer.ok ? said : await answer.text(), answer.ok ? "good" : "bad");
  } catch {
    note("answer", "The request did not reach rekey.", "bad");
  }
  clearTimeout(forget);
  forget = setTimeout(() => note("answer", ""), 8000);
}

$("pause").onclick = () => send("pause", {}, "The run pauses before its next batch.");
$("resume").onclick = () => send("resume", {}, "The run continues.");
$("pace").onchange = () => {
  const pace = $("pace").value;
  $("pace").value = "";
  if (pace) send("pace", { pace }, `The pace is ${pace} from the next batch on.`);
};
$("max-impact").onchange = () => {
  const limit = $("max-impact").value;
  $("max-impact").value = "";
  if (limit) send("max-impact", { max_impact: limit }, limit === "off" ? "The impact is not limited any more." : `The impact is limited to ${limit}x.`);
};
$("stop").onclick = () => { $("ask").returnValue = ""; $("ask").showModal(); };
$("ask").onclose = () => { if ($("ask").returnValue === "stop") send("stop", {}, "The run ends after its current batch."); };

// begin exchanges the token behind the # for a cookie that scripts cannot read, and takes it out of the address.
async function begin() {
  Charts.build();
  setInterval(tick, 1000);
  const token = location.hash.slice(1);
  if (token && token !== "tables") {
    history.replaceState(null, "", location.pathname);
    const answer = await fetch("session", { method: "POST", headers: { Authorization: "Bearer " + token } });
    if (!answer.ok) {
      badge("cut");
      note("trouble", await answer.text());
      return;
    }
  }
  connect();
}

begin();
