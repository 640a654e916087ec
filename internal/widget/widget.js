/*! <otpipe-code> 1.0.0 · Apache-2.0 · docs/widget.md */
(() => {
  "use strict";
  const version = "1.0.0";
  if (customElements.get("otpipe-code")) return;

  const english = {
    label: "Code",
    submit: "Continue",
    resend: "Send a new code",
    resendIn: "Send a new code in {time}",
    hint: "{n} digits, checked as soon as all are there.",
    checking: "Checking…",
    short: "The code has {n} digits.",
    wrong: "That code is not right. Look at the newest message.",
    last: "That code is not right. You have one try left.",
    expired: "That code has expired. Ask for a new one.",
    locked: "Too many wrong codes.",
    wait: "Try again in {time}.",
    sent: "A new code is on its way.",
    ready: "You can ask for a new code now.",
    approved: "The code is right.",
    failed: "That did not work. Check your connection and try again.",
  };

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host {
      --_accent: var(--otpipe-accent, LinkText); --_ink: var(--otpipe-ink, CanvasText); --_ground: var(--otpipe-ground, Field);
      --_line: var(--otpipe-line, #767b82); --_error: var(--otpipe-error, #b3261e);
      --_size: var(--otpipe-size, 3rem); --_gap: var(--otpipe-gap, .5rem); --_radius: var(--otpipe-radius, .5rem);
      display: block; color: var(--_ink); font: var(--otpipe-font, inherit);
    }
    @supports (color: light-dark(red, red)) {
      :host { --_accent: var(--otpipe-accent, light-dark(#0b6b53, #4fc79f)); --_line: var(--otpipe-line, light-dark(#767b82, #8d949c)); --_error: var(--otpipe-error, light-dark(#b3261e, #ff8f85)); }
    }
    :host([hidden]) { display: none; }
    * { box-sizing: border-box; }
    form { display: grid; grid-template-columns: minmax(0, 1fr); gap: .6rem; justify-items: start; margin: 0; }
    p { margin: 0; }
    .hint:empty { display: none; }
    label { font-weight: 600; }
    .field { position: relative; direction: ltr; max-width: 100%; }
    .boxes { display: flex; gap: var(--_gap); }
    .box {
      display: grid; place-items: center; flex: 0 1 var(--_size); width: var(--_size); aspect-ratio: 5 / 6; min-width: 0;
      border: 1px solid var(--_line); border-radius: var(--_radius); background: var(--_ground);
      font-size: calc(var(--_size) / 2); font-weight: 600; font-variant-numeric: tabular-nums; line-height: 1;
    }
    .at { outline: 2px solid var(--_accent); outline-offset: 1px; }
    .at:empty::after { content: ""; width: 2px; height: 50%; background: var(--_ink); animation: blink 1.1s steps(1) infinite; }
    .chosen { background: color-mix(in srgb, var(--_accent) 20%, var(--_ground)); }
    .boxes:has(.chosen) { outline: 2px solid var(--_accent); outline-offset: 4px; border-radius: var(--_radius); }
    [aria-invalid=true] + .boxes .box { border: 2px solid var(--_error); }
    input {
      position: absolute; inset: 0; width: 100%; height: 100%; padding: 0; border: 0; outline: 0; z-index: 1;
      background: transparent; color: transparent; caret-color: transparent; forced-color-adjust: none;
      font-size: max(1rem, 16px); opacity: .999; cursor: text;
    }
    input::selection { background: transparent; }
    input:-webkit-autofill { -webkit-text-fill-color: transparent; transition: background-color 0s 99999s; }
    .hint { color: var(--otpipe-soft, inherit); font-size: .9em; }
    .error { color: var(--_error); font-weight: 600; }
    .error:not(:empty)::before { content: "⚠\\FE0E  "; content: "⚠\\FE0E  " / ""; }
    button { font: inherit; min-height: 2.75rem; padding: .4rem 1.1rem; border-radius: var(--_radius); cursor: pointer; }
    .submit { border: 1px solid var(--_accent); background: var(--_accent); color: var(--otpipe-on-accent, Canvas); font-weight: 600; }
    .resend { border: 0; padding: .4rem 0; background: none; color: var(--_accent); text-decoration: underline; font-variant-numeric: tabular-nums; }
    button[aria-disabled=true] { cursor: default; }
    .submit[aria-disabled=true] { opacity: .6; }
    .resend[aria-disabled=true] { color: inherit; text-decoration: none; }
    button:focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; }
    .wrong .boxes { animation: shake .3s; }
    @keyframes blink { 50% { opacity: 0; } }
    @keyframes shake { 25% { transform: translateX(-4px); } 75% { transform: translateX(4px); } }
    @media (prefers-reduced-motion: reduce) { .wrong .boxes, .at:empty::after { animation: none; } }
    @media (forced-colors: active) {
      .at, .boxes:has(.chosen) { outline-color: Highlight; }
      .at:empty::after { background: CanvasText; forced-color-adjust: none; }
      .submit { border-color: ButtonBorder; background: ButtonFace; color: ButtonText; }
      .resend { color: LinkText; }
      button[aria-disabled=true] { color: GrayText; opacity: 1; }
    }
  `);

  // make builds an element. Markup as text would need the page's trust, see Trusted Types.
  const make = (name, attributes, ...inside) => {
    const e = document.createElement(name);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    e.append(...inside);
    return e;
  };

  const parts = () => make("form", { part: "form", novalidate: "" },
    make("label", { part: "label", for: "code" }),
    make("div", { part: "field", class: "field" },
      make("input", {
        part: "input", id: "code", type: "text", inputmode: "numeric", autocomplete: "one-time-code", autocapitalize: "off", spellcheck: "false", dir: "ltr",
        "aria-describedby": "hint error",
      }),
      make("div", { part: "boxes", class: "boxes", "aria-hidden": "true" })),
    make("p", { part: "hint", class: "hint", id: "hint" }),
    make("div", {}, // always there, so that what is written into it is spoken
      make("p", { part: "error", class: "error", id: "error", role: "alert" }),
      make("p", { part: "status", role: "status" })),
    make("button", { part: "submit", class: "submit" }),
    make("button", { part: "resend", class: "resend", type: "button", hidden: "" }));

  // digits writes the digits of any script as 0 to 9. The digits of a script
  // follow each other, so that how many stand before one is its value.
  const digits = (text) => text.replace(/\p{Nd}/gu, (c) => {
    let before = 0;
    while (/\p{Nd}/u.test(String.fromCodePoint(c.codePointAt(0) - before - 1))) before++;
    return before % 10;
  });

  // codeIn finds the code in what was typed, filled in, or pasted with the words around it.
  const codeIn = (text, n) => {
    const plain = digits(text), joined = plain.replace(/(?<=\d)[\s\u00AD\u200B-\u200F\u2010-\u2015.-]+(?=\d)/gu, "");
    const whole = new RegExp(`(?<!\\d)\\d{${n}}(?!\\d)`);
    return (plain.match(whole) ?? joined.match(whole))?.[0] ?? plain.replace(/\D/g, "").slice(0, n);
  };

  const clock = (seconds) => {
    const two = (n) => String(n).padStart(2, "0");
    const h = Math.floor(seconds / 3600), m = Math.floor(seconds / 60) % 60;
    return h ? `${h}:${two(m)}:${two(seconds % 60)}` : `${m}:${two(seconds % 60)}`;
  };

  // waitOf reads from an answer for how many seconds to wait: as a number, or as
  // an instant of the server's clock, which the answer's Date tells.
  const waitOf = ({ body, date }, number, at) => {
    if (body[number] >= 0) return body[number];
    const left = (Date.parse(body[at]) - (Date.parse(date) || Date.now())) / 1000;
    return left > 0 ? Math.ceil(left) : 0;
  };

  class OtpipeCode extends HTMLElement {
    static version = version;
    static observedAttributes = ["length", "texts"];

    #root = this.attachShadow({ mode: "open", delegatesFocus: true });
    #internals = this.attachInternals?.();
    #state = "typing";
    #texts = english;
    #alive = null; // ends what must not outlive the element's stay in the page
    #timers = {};

    constructor() {
      super();
      this.#root.adoptedStyleSheets = [sheet];
      this.#root.append(parts());
      const on = (selector, events) => {
        const e = this.#find(selector);
        for (const name in events) e.addEventListener(name, events[name]);
      };
      on("input", {
        input: () => this.#typed(), beforeinput: (e) => this.#overtype(e), paste: (e) => this.#paste(e),
        focus: () => this.#draw(), blur: () => this.#draw(), keyup: () => this.#draw(), select: () => this.#draw(), click: (e) => this.#point(e),
      });
      on("form", { submit: (e) => { e.preventDefault(); this.#check(); } });
      on(".submit", { click: (e) => { if (e.currentTarget.ariaDisabled === "true") e.preventDefault(); } });
      on(".resend", { click: () => this.#resend() });
    }

    get length() { const n = parseInt(this.getAttribute("length"), 10); return n >= 4 && n <= 10 ? n : 6; }
    set length(n) { this.setAttribute("length", n); }
    get texts() { return { ...this.#texts }; }
    set texts(own) { this.#texts = { ...this.#texts, ...own }; this.#write(); }
    get state() { return this.#state; }

    // reset forgets what was typed and said.
    reset() {
      this.#find("input").value = "";
      this.#enter("typing");
      this.#say("");
      this.#draw();
    }

    connectedCallback() {
      this.#alive = new AbortController();
      // What is inside may not have been read yet.
      if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => this.#begin(), { once: true, signal: this.#alive.signal });
      else this.#begin();
    }

    disconnectedCallback() {
      this.#alive.abort();
      for (const name in this.#timers) this.#stop(name);
    }

    attributeChangedCallback(name) {
      if (name === "texts") {
        try { this.#texts = { ...this.#texts, ...JSON.parse(this.getAttribute("texts") || "{}") }; } catch { /* the built-in ones stay */ }
      }
      this.#write();
    }

    // begin takes over from the plain form inside, and what was typed into it.
    #begin() {
      const plain = this.#plain();
      const label = plain?.input?.labels?.[0]?.textContent.trim(), submit = plain?.button?.textContent.trim(), resend = this.#plainResend()?.querySelector("button")?.textContent.trim();
      const said = Object.entries({ label, submit, resend }).filter(([name, text]) => text && this.#texts[name] === english[name]);
      this.#texts = { ...this.#texts, ...Object.fromEntries(said) };
      this.#write();
      const input = this.#find("input");
      if (plain?.input?.value && !input.value) input.value = codeIn(plain.input.value, this.length);
      if (this.contains(document.activeElement)) input.focus();
      else if (plain?.input?.autofocus || this.autofocus) requestAnimationFrame(() => input.focus()); // once the browser has given up on the hidden one
      this.#find(".resend").hidden = !this.#resendURL();
      this.#cool(Number(this.getAttribute("resend-in")) || 0);
      this.#expire(Number(this.getAttribute("expires-in")) || 0);
      this.#listen();
      this.#draw();
    }

    #find(selector) { return this.#root.querySelector(selector); }
    #plain() {
      const input = this.querySelector('form [autocomplete~="one-time-code"]');
      return input && { input, form: input.form, button: input.form.querySelector('button:not([type="button"])') };
    }
    #plainResend() { return [...this.querySelectorAll("form")].find((f) => f !== this.#plain()?.form); }
    #checkURL() { return this.getAttribute("check-url") ?? this.#plain()?.form.getAttribute("action"); }
    #resendURL() { return this.getAttribute("resend-url") ?? this.#plainResend()?.getAttribute("action"); }

    #text(name, values = {}) { return (this.#texts[name] ?? "").replace(/\{(\w+)\}/g, (_, k) => values[k] ?? { n: this.length }[k] ?? ""); }

    // write puts the texts in their places.
    #write() {
      this.#find("label").textContent = this.#text("label");
      this.#find(".submit").textContent = this.#text("submit");
      this.#find(".hint").textContent = this.hasAttribute("manual") ? "" : this.#text("hint");
      if (!this.#timers.resend) this.#find(".resend").textContent = this.#text("resend");
      const boxes = Array.from({ length: this.length }, () => make("span", { class: "box" }));
      this.#find(".boxes").replaceChildren(...boxes);
      this.#draw();
    }

    // draw shows the one input as boxes.
    #draw() {
      const input = this.#find("input"), n = this.length;
      const from = Math.min(input.selectionStart ?? 0, n - 1), to = Math.max(input.selectionEnd ?? 0, from + 1);
      const focused = this.#root.activeElement === input && !input.readOnly, several = to - from > 1;
      [...this.#find(".boxes").children].forEach((box, i) => {
        const at = focused && i >= from && i < to;
        box.textContent = input.value[i] ?? "";
        box.classList.toggle("at", at && !several);
        box.classList.toggle("chosen", at && several);
        box.setAttribute("part", ["box", at && "box-active", input.value[i] && "box-filled"].filter(Boolean).join(" "));
      });
    }

    // overtype makes a digit take the place of the one at the caret, as boxes promise.
    #overtype(e) {
      const input = e.target, at = Math.min(input.selectionStart, this.length - 1);
      if (e.inputType === "insertText" && input.selectionStart === input.selectionEnd && at < input.value.length && /^\p{Nd}$/u.test(e.data ?? "")) input.setSelectionRange(at, at + 1);
    }

    // point chooses the digit in the box that was clicked.
    #point(e) {
      const input = e.target, end = input.value.length;
      const at = [...this.#find(".boxes").children].findIndex((box) => e.clientX <= box.getBoundingClientRect().right);
      if (input.selectionStart === input.selectionEnd && at >= 0) input.setSelectionRange(Math.min(at, end), Math.min(at + 1, end));
      this.#draw();
    }

    #paste(e) {
      const code = codeIn(e.clipboardData.getData("text"), this.length);
      if (code.length !== this.length) return; // a piece goes where the caret is
      e.preventDefault();
      if (!this.#find("input").readOnly) this.#fill(code);
    }

    #fill(code) {
      this.#find("input").value = code;
      this.#typed();
    }

    #typed() {
      const input = this.#find("input"), caret = codeIn(input.value.slice(0, input.selectionStart), Infinity).length;
      input.value = codeIn(input.value, this.length);
      input.setSelectionRange(Math.min(caret, input.value.length), Math.min(caret, input.value.length));
      if (this.#state === "refused") { this.#enter("typing"); this.#say(""); }
      this.#draw();
      if (input.value.length === this.length && !this.hasAttribute("manual")) this.#check();
    }

    // listen takes the code from the text message where the browser offers it.
    async #listen() {
      if (!("OTPCredential" in window) || this.hasAttribute("no-webotp")) return;
      try {
        const found = await navigator.credentials.get({ otp: { transport: ["sms"] }, signal: this.#alive.signal });
        const code = codeIn(found?.code ?? "", this.length);
        if (code.length === this.length && !this.#find("input").readOnly) { this.#fill(code); this.#check(); }
      } catch { /* declined, or no longer wanted */ }
    }

    async #check() {
      const input = this.#find("input");
      if (this.#state === "checking" || this.#state === "approved" || this.#state === "locked") return;
      if (input.value.length !== this.length) { this.#refuse(this.#text("short")); return; }
      this.#enter("checking");
      this.#tell(this.#text("checking"));
      const name = this.#plain()?.input.name || "code";
      const answer = await this.#send(this.#checkURL(), this.#plain()?.form, { [name]: input.value });
      if (this.#state !== "checking" || !this.isConnected) return;
      this.#judge(answer);
    }

    #judge(answer) {
      const { ok, body } = answer;
      const wait = body.locked_until || body.code === "recipient_locked" ? waitOf(answer, "retry_after", "locked_until") : 0;
      if (ok && body.valid === true) return this.#approve(body);
      if (wait) return this.#lock(this.#texts.recipient_locked ?? this.#text("locked"), wait, body);
      if (!ok) return this.#refuse(this.#wordsOf(body), body);
      if (body.reason === "expired" || body.reason === "not_found" || body.reason === "canceled") return this.#refuse(this.#text("expired"), body);
      this.#refuse(this.#text(body.checks_left === 1 ? "last" : "wrong"), body);
    }

    // wordsOf says what is wrong: in the page's words, the API's, or ours.
    #wordsOf(body) {
      const text = this.#texts[body.code] ?? body.errors?.[0]?.detail ?? body.detail ?? this.#text("failed");
      return text.charAt(0).toLocaleUpperCase() + text.slice(1);
    }

    #approve(body) {
      this.#alive.abort();
      this.#enter("approved");
      this.#say("");
      this.#tell(this.#text("approved"));
      if (!this.#emit("approved", body, true)) return;
      const next = body.redirect ?? this.getAttribute("next-url");
      if (next == null) return;
      const url = new URL(next, location.href);
      if (url.origin === location.origin) location.assign(url); // no other site, and no javascript:
    }

    #refuse(text, body) {
      this.#enter("refused");
      this.#say(text);
      const input = this.#find("input");
      input.focus();
      input.select();
      this.#draw();
      if (body) this.#emit("refused", body);
    }

    #lock(text, wait, body) {
      this.#find("input").value = "";
      this.#enter("locked");
      this.#say(`${text} ${this.#text("wait", { time: clock(wait) })}`);
      this.#count("lock", wait, (left) => { if (left) this.#find(".error").textContent = `${text} ${this.#text("wait", { time: clock(left) })}`; else this.reset(); });
      this.#draw();
      this.#emit("refused", body);
    }

    async #resend() {
      const button = this.#find(".resend");
      if (button.ariaDisabled === "true") return;
      button.ariaDisabled = "true";
      const answer = await this.#send(this.#resendURL(), this.#plainResend(), {});
      if (!this.isConnected) return;
      const { ok, body } = answer;
      button.ariaDisabled = "false";
      this.#cool(waitOf(answer, "retry_after", "resend_at"));
      if (body.code === "recipient_locked") return this.#judge(answer);
      if (!ok) { this.#say(this.#wordsOf(body)); this.#emit("refused", body); return; }
      this.reset();
      this.#expire(waitOf(answer, "expires_in", "expires_at"));
      this.#tell(this.#text("sent"));
      this.#find("input").focus();
      this.#emit("resent", body);
    }

    // send posts what the plain form would, to the page's own site and no other.
    async #send(url, form, fields) {
      const body = new URLSearchParams();
      for (const e of form?.elements ?? []) if (e.type === "hidden" && e.name) body.append(e.name, e.value);
      for (const name in fields) body.set(name, fields[name]);
      try {
        const answer = await fetch(url, {
          method: "POST", mode: "same-origin", cache: "no-store", body, headers: { Accept: "application/json" }, signal: AbortSignal.timeout(15000),
        });
        const read = await answer.json();
        return { ok: answer.ok, date: answer.headers.get("Date"), body: read && typeof read === "object" ? read : {} };
      } catch {
        return { ok: false, body: {} };
      }
    }

    // cool counts down to when a new code may be asked for. Only its end is spoken.
    #cool(wait) {
      const button = this.#find(".resend");
      const show = (left) => {
        button.ariaDisabled = String(left > 0);
        button.textContent = left ? this.#text("resendIn", { time: clock(left) }) : this.#text("resend");
      };
      show(wait);
      if (wait) this.#count("resend", wait, (left) => { show(left); if (!left && !button.hidden) this.#tell(this.#text("ready")); });
    }

    #expire(wait) {
      if (wait) this.#count("expiry", wait, (left) => { if (!left && (this.#state === "typing" || this.#state === "refused")) this.#refuse(this.#text("expired")); });
    }

    // count calls each second with what is left, by the clock: timers of a tab in
    // the background are late.
    #count(name, wait, each) {
      const end = performance.now() + wait * 1000;
      this.#stop(name);
      this.#timers[name] = setInterval(() => {
        const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
        if (!left) this.#stop(name);
        each(left);
      }, 250);
    }

    #stop(name) {
      clearInterval(this.#timers[name]);
      this.#timers[name] = 0;
    }

    #enter(state) {
      this.#state = state;
      this.#stop("lock");
      if (state === "approved") this.#stop("expiry");
      const input = this.#find("input"), still = state === "checking" || state === "approved" || state === "locked";
      input.readOnly = still;
      input.setAttribute("aria-invalid", String(state === "refused"));
      this.#find("form").classList.toggle("wrong", state === "refused");
      this.#find("form").setAttribute("aria-busy", String(state === "checking"));
      this.#find(".submit").ariaDisabled = String(still);
      this.#draw();
      try { this.#internals.states.clear(); this.#internals.states.add(state); } catch { /* an older browser has no :state() */ }
    }

    #say(text) {
      this.#find(".error").textContent = text;
      if (text) this.#tell("");
    }
    #tell(text) { this.#find("[role=status]").textContent = text; }

    // emit tells the page; never with the code.
    #emit(name, detail, cancelable = false) { return this.dispatchEvent(new CustomEvent(`otpipe-${name}`, { detail, bubbles: true, composed: true, cancelable })); }
  }

  customElements.define("otpipe-code", OtpipeCode);
})();
