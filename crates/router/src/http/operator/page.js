// The operator's page: asks for the key, then for the overview every few seconds, and draws it. Text only ever becomes
// text: what nodes say of themselves is not to be trusted.
"use strict";

const EVERY = 5000;
const PATIENCE = 10000;
const KEPT = "cortensor-operator-key";

const $ = (id) => document.getElementById(id);
let next;
let seen;

/* Words. */

const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
const words = (name) => name.replaceAll("_", " ");
const short = (name) => (name.length > 16 ? `${name.slice(0, 8)}…${name.slice(-6)}` : name);
const clock = (at) => new Date(at).toLocaleTimeString();

function span(milliseconds) {
  const seconds = Math.max(0, milliseconds / 1000);
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} d`;
}

/* Elements. */

function element(tag, content, properties = {}) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...[content].flat().filter((part) => part !== null && part !== undefined));
  return made;
}

const code = (name) => element("code", short(name), { title: name });
const cell = (content, className = "") => element("td", content, { className });
const header = (content) => element("th", content, { scope: "row" });
const moment = (at) => element("time", clock(at), { dateTime: new Date(at).toISOString(), title: new Date(at).toLocaleString() });

// Rows that say the same as before stay, and with them the focus and what was opened.
function draw(id, items, keyOf, cellsOf) {
  const table = $(id);
  const body = table.tBodies[0];
  const before = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  const rows = items.map((item) => {
    const row = element("tr", cellsOf(item));
    row.dataset.key = keyOf(item);
    const old = before.get(row.dataset.key);
    return old ? renewed(old, row) : row;
  });
  if (rows.length !== body.rows.length || rows.some((row, place) => row !== body.rows[place])) body.replaceChildren(...rows);
  const empty = table.closest("section").querySelector(".empty");
  if (empty) empty.hidden = items.length > 0;
  table.closest(".scroll").hidden = items.length === 0;
}

function renewed(old, row) {
  [...row.cells].forEach((fresh, place) => {
    const open = [...(old.cells[place]?.querySelectorAll("details") ?? [])].map((details) => details.open);
    fresh.querySelectorAll("details").forEach((details, number) => (details.open = open[number] ?? false));
    if (old.cells[place] && !old.cells[place].isEqualNode(fresh)) old.cells[place].replaceWith(fresh);
  });
  return old;
}

/* What is shown. */

function verdict(test, tier) {
  if (test === "testing") return element("span", "being tested", { className: "warn" });
  if (!tier) return element("span", "failed", { className: "bad" });
  return element("span", `${words(tier.capability)}, ${words(tier.precision)}`, { className: "good" });
}

function evidence(report) {
  const items = report.evidence.map((one) =>
    element("li", `${one.what}: ${one.seen}; asked: ${one.asked} `, { className: one.met ? "" : "bad" }));
  items.forEach((item, place) => item.append(report.evidence[place].met ? "(met)" : "(not met)"));
  const summary = element("summary", report.next_step || "what was seen");
  return element("details", [summary, element("ul", items)]);
}

const each = (offers, show) => offers.map((offer) => element("div", show(offer)));

function nodeCells(node, at) {
  const load = [`${plural(node.running_tasks, "task")}`, `CPU ${Math.round(node.cpu_load * 100)} %`, `${(node.free_memory_bytes / 1e9).toFixed(1)} GB free`];
  const offer = (one) => `${one.model} ${one.precision}, ${plural(one.slots, "slot")}, context ${one.context_tokens}`;
  const level = node.level === undefined ? null : element("div", `level ${node.level}`, { className: "muted" });
  const tested = (one) => (one.report ? [element("div", moment(one.report.tested_at)), evidence(one.report)] : "none yet");
  return [
    header([element("code", node.address), element("div", node.software, { className: "muted" })]),
    cell([...each(node.offers, (one) => verdict(one.test, one.tier)), level]),
    cell(node.offers.length ? each(node.offers, offer) : "offers nothing at the moment"),
    cell(node.heartbeat_at ? load.map((part) => element("div", part)) : plural(node.running_tasks, "task")),
    cell(node.heartbeat_at ? `${span(at - node.heartbeat_at)} ago` : "none yet"),
    cell(node.offers.flatMap(tested)),
  ];
}

const queueCells = (waiting, place) => [
  cell(String(place + 1), "number"),
  header(code(waiting.task)),
  cell(waiting.node ? ["test of ", code(waiting.node)] : "request"),
  cell(waiting.model),
  cell(waiting.precision ?? "any"),
];

const ENDINGS = { served: "good", cancelled: "muted", timed_out: "bad", failed: "bad", interrupted: "warn" };

function taskCells(task) {
  const ending = element("span", task.ending ? words(task.ending) : "open", { className: ENDINGS[task.ending] ?? "" });
  return [
    cell(moment(task.created_at)),
    cell(task.kind === "user" ? "request" : "test"),
    cell([task.model, task.precision].filter(Boolean).join(" ")),
    cell([ending, task.void_reason && element("div", `not paid: ${task.void_reason}`, { className: "muted" })].filter(Boolean)),
    cell(task.ended_at ? span(task.ended_at - task.created_at) : "", "number"),
    cell(task.completion_tokens === null ? "" : String(task.completion_tokens), "number"),
    cell(task.node ? code(task.node) : ""),
    header(code(task.id)),
  ];
}

const testCells = (test) => [
  cell(moment(test.tested_at)),
  header(code(test.node)),
  cell(code(test.artifact)),
  cell(verdict("", test.report.tier)),
  cell(evidence(test.report)),
];

const VERDICTS = { consistent: "good", not_what_it_claims: "bad", ask_more: "muted" };

const auditCells = (audit) => [
  cell(moment(audit.looked_at)),
  header(code(audit.node)),
  cell(code(audit.artifact)),
  cell(`${audit.mismatches} of ${audit.tokens}`, "number"),
  cell(element("span", words(audit.verdict), { className: VERDICTS[audit.verdict] ?? "" })),
];

const judgementCells = (judgement) => [
  cell(moment(judgement.judged_at)),
  header(code(judgement.node)),
  cell(code(judgement.artifact)),
  cell(`${judgement.correctness}, ${judgement.relevance}, ${judgement.usefulness}`, "number"),
  cell(judgement.percent === null ? element("span", "more wanted", { className: "muted" }) : `${judgement.percent} %`, "number"),
  cell(judgement.model),
];

const sessionCells = (session) => [
  cell(String(session.id), "number"),
  cell(moment(session.created_at)),
  header(session.model ?? ""),
  cell(words(session.precision ?? "any")),
  cell(String(session.tasks), "number"),
  cell(session.deactivated_at ? element("span", "ended", { className: "muted" }) : element("span", "active", { className: "good" })),
];

function ledger(found) {
  const balance = $("balance");
  balance.className = `notice ${found?.adds_up ? "good" : "bad"}`;
  balance.textContent = found?.adds_up
    ? `It adds up: ${plural(found.transfers, "transfer")}, looked at ${clock(found.added_up_at)}.`
    : found?.fault ?? "The database did not say. Look at the router's log; if its disk is full, make room.";
  const cells = ({ account, what, credits }) => [header(account), cell(what), cell(credits, "number")];
  draw("ledger", found?.accounts ?? [], ({ account }) => account, cells);
}

function figures({ nodes, queue, ledger: books, backlog }) {
  const passed = nodes.flatMap((node) => node.offers).filter((offer) => offer.test === "passed");
  const slots = passed.reduce((sum, offer) => sum + offer.slots, 0);
  const running = nodes.reduce((sum, node) => sum + node.running_tasks, 0);
  const shown = [
    ["Nodes", String(nodes.length)],
    ["Slots taken", `${running} of ${Math.max(slots, running)}`],
    ["Waiting", `${queue.waiting.length} of ${queue.most}`],
    ["Ledger", books?.adds_up ? "adds up" : "has a fault", books?.adds_up ? "good" : "bad"],
    ["Not yet written", String(backlog), backlog ? "bad" : ""],
  ];
  const parts = shown.map(([term, value, className = ""]) =>
    element("div", [element("dt", term), element("dd", value, { className })]));
  $("figures").replaceChildren(...parts);
}

function show(overview) {
  const { router, at } = overview;
  document.title = `${router.name} · Cortensor router`;
  $("name").textContent = router.name;
  $("facts").textContent = `${router.network} network · version ${router.version} · up ${span(router.uptime_seconds * 1000)} · as of ${clock(at)}`;
  figures(overview);
  draw("nodes", overview.nodes, (node) => node.address, (node) => nodeCells(node, at));
  const places = overview.queue.waiting.map((waiting, place) => ({ waiting, place }));
  draw("queue", places, ({ waiting }) => waiting.task, ({ waiting, place }) => queueCells(waiting, place));
  draw("tasks", overview.tasks, (task) => task.id, taskCells);
  draw("tests", overview.tests, (test) => `${test.node} ${test.artifact} ${test.tested_at}`, testCells);
  draw("judgements", overview.judgements, (judgement) => judgement.id, judgementCells);
  draw("audits", overview.audits, (audit) => audit.id, auditCells);
  draw("sessions", overview.sessions, (session) => String(session.id), sessionCells);
  ledger(overview.ledger);
}

/* Asking. */

function door(message = "") {
  clearTimeout(next);
  sessionStorage.removeItem(KEPT);
  seen = undefined;
  for (const id of ["overview", "buttons", "trouble"]) $(id).hidden = true;
  $("door").hidden = false;
  $("wrong").textContent = message;
  $("key").value = "";
  $("key").setAttribute("aria-invalid", String(message !== ""));
  $("key").focus();
}

function trouble(message) {
  const text = message && `${message} Trying again every ${EVERY / 1000} s.${seen ? ` What is below is as of ${clock(seen)}.` : ""}`;
  if ($("trouble").textContent !== text) $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

function opened(overview) {
  if (!seen) $("state").textContent = "The overview is shown.";
  seen = overview.at;
  for (const id of ["overview", "buttons"]) $(id).hidden = false;
  $("door").hidden = true;
  trouble("");
  show(overview);
}

async function ask(key) {
  const headers = { authorization: `Bearer ${key}` };
  const response = await fetch("/api/v1/operator/overview", { headers, signal: AbortSignal.timeout(PATIENCE), cache: "no-store" });
  return [response.status, await response.json()];
}

async function refresh() {
  clearTimeout(next);
  const key = sessionStorage.getItem(KEPT);
  if (!key) return door();
  try {
    const [status, answer] = await ask(key);
    if (key !== sessionStorage.getItem(KEPT)) return;
    if (status === 401) return door(`The router says: ${answer.error.message}.`);
    if (status === 429 && !seen) return door(`The router says: ${answer.error.message}.`);
    if (status === 200) opened(answer);
    else trouble(`The router says: ${answer.error?.message ?? status}.`);
  } catch {
    trouble("The router does not answer. See that it runs and that this machine reaches it.");
  }
  if ($("pause").ariaPressed !== "true") next = setTimeout(refresh, EVERY);
}

$("door").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEPT, $("key").value.trim());
  refresh();
});
$("forget").addEventListener("click", () => door());
$("pause").addEventListener("click", () => {
  const paused = $("pause").ariaPressed !== "true";
  $("pause").ariaPressed = String(paused);
  $("pause").textContent = paused ? "Go on" : "Pause updates";
  if (paused) clearTimeout(next);
  else refresh();
});
$("mine").textContent = `cortensor mine --router ${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/node/v1`;
refresh();
