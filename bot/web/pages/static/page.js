// What the page does beyond forms and links: asks without leaving, shows progress, copies commands.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const talk = byId("talk");

  function addCopyButtons(root) {
    for (const block of root.querySelectorAll(".code")) {
      if (block.querySelector("button")) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy";
      button.addEventListener("click", () => copy(block, button));
      block.append(button);
    }
  }

  async function copy(block, button) {
    const code = block.querySelector("code");
    let done = true;
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      // Without HTTPS there is no clipboard to write to; selecting and the old command still work.
      const selection = getSelection();
      selection.selectAllChildren(code);
      done = document.execCommand("copy");
      if (done) selection.removeAllRanges();
    }
    button.textContent = done ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  }

  /** Yields {event, data} of a stream of server-sent events. */
  async function* events(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += value;
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const lines = text.slice(0, end).split("\n");
        text = text.slice(end + 2);
        const of = (name) => lines.filter((line) => line.startsWith(name + ": "))
          .map((line) => line.slice(name.length + 2)).join("\n");
        if (of("data")) yield { event: of("event"), data: JSON.parse(of("data")) };
      }
    }
  }

  class Progress {
    constructor() {
      this.box = byId("progress");
      this.bar = this.box.querySelector("progress");
      this.list = this.box.querySelector("ul");
      this.status = byId("status");
      this.facts = new Map();
    }
    begin(words) {
      this.facts.clear();
      this.list.replaceChildren();
      this.bar.removeAttribute("value");
      this.box.hidden = false;
      this.status.textContent = words;
    }
    show({ stage, fact, state, entries }) {
      if (stage === "retrieved") {
        this.status.textContent = `${entries.length} entries may explain it. Looking into the cluster…`;
      } else if (stage === "probing") {
        if (!this.facts.has(fact)) {
          const item = document.createElement("li");
          item.textContent = fact.replaceAll("_", " ");
          this.list.append(item);
          this.facts.set(fact, item);
        }
        this.facts.get(fact).className = state;
        this.bar.max = this.facts.size;
        this.bar.value = [...this.facts.values()].filter((item) => item.className !== "reading").length;
      }
    }
    end(words) {
      this.box.hidden = true;
      this.status.textContent = words;
    }
  }

  const RETRY_SECONDS = 3;
  const MOST_RETRIES = 100;
  let asking = null;

  /** Asks what the form says, again and again while the index is being opened. */
  async function ask(form, submitter) {
    if (asking) return;
    const fields = new URLSearchParams(new FormData(form, submitter));
    const progress = new Progress();
    asking = new AbortController();
    talk.setAttribute("aria-busy", "true");
    byId("trouble").replaceChildren();
    progress.begin("Searching the FAQ…");
    try {
      for (let tries = 0; ; tries += 1) {
        const { result, problem } = await once(form.action, fields, progress);
        if (result) return show(form, progress, result);
        if (problem.type !== "urn:acknet:problem:not-ready" || tries === MOST_RETRIES) {
          return fail(progress, problem.detail);
        }
        progress.begin("The index is being opened; asking again…");
        await pause(RETRY_SECONDS, asking.signal);
      }
    } catch (error) {
      if (error.name === "AbortError") progress.end("Stopped.");
      else fail(progress, "The server cannot be reached.");
    } finally {
      asking = null;
      talk.removeAttribute("aria-busy");
    }
  }

  /** Sends the question once and returns its result or what went wrong. */
  async function once(address, body, progress) {
    const reply = await fetch(address, {
      method: "POST", body, headers: { Accept: "text/event-stream" }, signal: asking.signal,
    });
    if (!(reply.headers.get("content-type") || "").startsWith("text/event-stream")) {
      const said = await reply.json().catch(() => ({}));
      return { problem: { type: said.type, detail: said.detail || `The server answered with ${reply.status}.` } };
    }
    for await (const { event, data } of events(reply.body)) {
      if (event === "progress") progress.show(data);
      else return { [event]: data };
    }
    return { problem: { detail: "The connection ended before the answer was there." } };
  }

  function pause(seconds, signal) {
    return new Promise((wake, stop) => {
      const timer = setTimeout(wake, seconds * 1000);
      signal.addEventListener("abort", () => { clearTimeout(timer); stop(signal.reason); }, { once: true });
    });
  }

  function fail(progress, words) {
    progress.end("");
    const alert = document.createElement("p");
    alert.className = "alert";
    alert.textContent = words;
    byId("trouble").replaceChildren(alert);
  }

  function parsed(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content;
  }

  function show(form, progress, { exchange, state, title }) {
    progress.end("The answer is there.");
    const fresh = parsed(exchange);
    addCopyButtons(fresh);
    byId("exchanges").append(fresh);
    goOn(state, title);
    remember(state, title);
    if (form.id === "ask") byId("question").value = "";
    const newest = byId("exchanges").lastElementChild;
    newest.querySelector(".answer-title").focus({ preventScroll: true });
    newest.scrollIntoView({ block: "start" });
  }

  /** Makes the page one that is being talked on; ``state`` is what was said so far. */
  function goOn(state, title) {
    byId("state").replaceChildren(parsed(state));
    byId("begin")?.remove();
    byId("opening")?.remove();
    talk.classList.add("talking");
    document.title = `${title} · acknet`;
    byId("question-label").textContent = "Ask a follow-up";
    byId("question").placeholder = "";
    byId("over").hidden = false;
  }

  /** Lets whoever reads a source and comes back, or loads the page again, find what was said. */
  function remember(state, title) {
    try {
      history.replaceState({ exchanges: byId("exchanges").innerHTML, state, title }, "");
    } catch { /* more than the browser keeps: the page goes on without */ }
  }

  function recall() {
    if (!talk || !history.state?.exchanges) return;
    const { exchanges, state, title } = history.state;
    const before = parsed(exchanges);
    for (const button of before.querySelectorAll(".copy")) button.remove();
    byId("exchanges").replaceChildren(before);
    goOn(state, title);
  }

  async function rate(form, submitter) {
    const fields = new URLSearchParams(new FormData(form, submitter));
    let words = "This could not be sent: the server cannot be reached.";
    try {
      const reply = await fetch(form.action, { method: "POST", body: fields, headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await reply.text(), "text/html");
      words = page.getElementById("notice")?.textContent || words;
    } catch { /* the words say so */ }
    const said = document.createElement("p");
    said.className = "said";
    said.setAttribute("role", "status");
    said.tabIndex = -1;
    said.textContent = words;
    form.replaceWith(said);
    said.focus();
    if (history.state) remember(history.state.state, history.state.title);
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-live]")) {
      event.preventDefault();
      ask(form, event.submitter);
    } else if (form.matches("[data-feedback]")) {
      event.preventDefault();
      rate(form, event.submitter);
    }
  });
  // A link to where one is loads the page again and would bring back what was said.
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("a")?.getAttribute("href") === "/") history.replaceState(null, "");
  });
  byId("stop")?.addEventListener("click", () => asking?.abort());
  byId("question")?.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      byId("ask").requestSubmit();
    }
  });
  recall();
  addCopyButtons(document);
})();
