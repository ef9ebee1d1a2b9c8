// Checks the receipts and certificates on a page, and shows what they say. Nothing is
// sent anywhere: the file comes from this shop, the sums are done here.

const patience = 10; // tries, while a receipt is being sealed
const shown = 24; // entries of a list
const sentence = 70; // letters from which on a text has a line of its own

const classes = {
  consent: "a choice about your data",
  access: "somebody of the staff looked at your data",
  erasure: "data was destroyed",
  decision: "a program decided something for you",
  request: "a request about your rights was handled",
};

const words = {
  v: null,
  subject: "the random number that stands for you",
  seq: "number of your choice",
  at: "when",
  state: "your answer",
  notice: "the text you read",
  ui: "where",
  component: "part of the site",
  choice_path: "steps",
  sha256: "fingerprint",
  lang: "language",
  actor: "who",
  auth: "signed in by",
  by: "by whom",
  basis: "legal basis",
  packs: "rules of law applied",
  expires: "ends by itself",
  cite: "article of law",
  inputs: "what went in",
  guards: "rules that took something out",
  results: "what came out",
  model: "model",
  key_sha256: "fingerprint of the destroyed key",
  models: "fingerprints of the model",
  certificate: null,
  issue: "number of this certificate",
  report_leaf_sha256: "fingerprint of the report",
  erased: "deleted",
  files_scanned: "the files were read again, and no key was found",
  model_versions: "versions of the models",
  weights_sha256: "fingerprint",
  recipients: "who was told",
  kept: "what a law keeps",
  unreadable_after: "nobody can read it after",
  not_covered: "what this does not cover",
};

const values = {
  given: "allowed",
  refused: "not allowed",
  withdrawn: "stopped",
  subject: "you",
  "demo-rule": "the rule of the demo",
  "personalize.content.profiled": "lists made for you",
  train_ai_system: "learning for everyone",
  "essential.legal_obligation": "what the law tells the shop to do",
  "essential.service.operations.support": "helping you when you asked for help",
  "user.behavior.purchase_history": "what you bought",
  "user.privacy_preferences": "your choices",
  consent: "you allowed it",
};

// What the parts of the program that keep data are called.
const holders = {
  subject: "who you are",
  session: "sign-ins",
  consent: "choices",
  order: "orders",
  decision: "decisions",
  gate: "looks at your data",
  recommend: "learning",
  taste: "your wishes for lists",
  collect: "what you did and wrote",
  disclose: "what was given to others",
  imports: "places in files",
  staff: "emergency looks",
  suspect: "checks of accounts",
  systems: "what other systems were told",
  trial: "comparisons of lists",
  rights: "requests",
  cases: "steps of your requests",
  retention: "what a law keeps",
  vault: "keys",
};

const make = (tag, text, name) => {
  const el = document.createElement(tag);
  if (text !== undefined) el.textContent = text;
  if (name) el.className = name;
  return el;
};

const isTime = (v) => typeof v === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(v);

function scalar(v, key) {
  if (key === "holder") return make("span", holders[v] ?? v);
  if (isTime(v)) {
    const time = make("time", v.replace("T", " ").replace(/(:\d\d)(\.\d+)?Z$/, "$1 UTC"));
    time.dateTime = v;
    return time;
  }
  const text = typeof v === "number" ? v.toLocaleString("en-GB") : v === true ? "yes" : v === false ? "no" : (values[v] ?? String(v ?? "–")) || "–";
  return make("span", text);
}

function draw(v, key) {
  if (v === null || typeof v !== "object") return scalar(v, key);
  if (!Array.isArray(v)) {
    const dl = make("dl");
    for (const [key, value] of Object.entries(v)) {
      if (words[key] === null) continue;
      const row = make("div");
      const dd = make("dd");
      dd.append(draw(value, key));
      row.append(make("dt", words[key] ?? key.replaceAll("_", " ")), dd);
      dl.append(row);
    }
    return dl;
  }
  if (v.every((x) => x === null || typeof x !== "object") && !v.some((x) => String(x).length > sentence)) return make("span", v.join(", ") || "–");
  if (key === "holders") {
    const pairs = v.map(Object.entries);
    const dl = make("dl");
    for (const [[name, of], [, value]] of pairs) {
      const row = make("div");
      const [dt, dd] = [make("dt"), make("dd")];
      dt.append(scalar(of, name));
      dd.append(scalar(value));
      row.append(dt, dd);
      dl.append(row);
    }
    return dl;
  }
  const ol = make("ol");
  for (const x of v.slice(0, shown)) {
    const li = make("li");
    li.append(draw(x));
    ol.append(li);
  }
  if (v.length > shown) ol.append(make("li", `and ${v.length - shown} more, in the file`));
  return ol;
}

function show(box, got) {
  const said = box.querySelector(".receiptsaid");
  const from = got.hour.replace("T", " ").slice(0, 16);
  const intro = make("p", `Entry ${(got.index + 1).toLocaleString("en-GB")} of ${got.size.toLocaleString("en-GB")} in the log, `
    + `from the hour after ${from} UTC: ${classes[got.class] ?? got.class}.`, "muted");
  const fold = make("details");
  fold.open = box.dataset.open !== undefined;
  fold.append(make("summary", "What it says"), draw(got.record));
  said.replaceChildren(intro, fold);
  said.hidden = false;
}

function state(box, tone, text) {
  box.classList.remove("good", "bad", "busy");
  if (tone) box.classList.add(tone);
  box.querySelector(".receiptstate").textContent = text;
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function load(box) {
  for (let i = 0; i < patience; i++) {
    const answer = await fetch(box.dataset.receipt, { cache: "no-store" });
    if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
    if (answer.status !== 503) return null;
    state(box, "busy", `The ${box.dataset.noun} is being sealed. One moment …`);
    await pause(400 + 200 * i);
  }
  return null;
}

const reasons = {
  form: "It is not written as it has to be.",
  opening: "What it says is not what the log noted.",
  inclusion: "It is not in the log where it says it is.",
  signature: "The log has not signed for it.",
  key: "The key of the log is misspelt.",
  statement: "The file says another thing than the log has signed.",
  sense: "The log has signed it, but what it says is no erasure.",
};

// What the file says and where it is in the log, or an error that names the check.
async function judge(box, file) {
  const module = await import(box.dataset.verify);
  if (box.dataset.noun !== "certificate") return module.verify(file, box.dataset.key);
  const { says, entry } = await module.verifyCertificate(file, box.dataset.key);
  return { ...entry, record: says };
}

async function check(box) {
  const button = box.querySelector("[data-check]");
  button.disabled = true;
  state(box, "busy", "Checking …");
  try {
    const file = await load(box);
    if (!file) {
      state(box, "bad", `The ${box.dataset.noun} could not be loaded. Load the page again.`);
      return;
    }
    const got = await judge(box, file);
    state(box, "good", "Checked here, and true.");
    show(box, got);
    button.hidden = true;
  } catch (err) {
    const why = reasons[err.message?.split(":")[0]];
    if (why) state(box, "bad", `This ${box.dataset.noun} is not true. ${why}`);
    else state(box, "", `This browser cannot check it. Download it, and run: thimble verify ${box.dataset.noun} FILE --key '${box.dataset.key}'`);
  } finally {
    button.disabled = false;
  }
}

for (const box of document.querySelectorAll("[data-receipt]")) {
  const button = box.querySelector("[data-check]");
  button.hidden = false;
  button.addEventListener("click", () => check(box));
  if (box.dataset.auto !== undefined) check(box);
}
