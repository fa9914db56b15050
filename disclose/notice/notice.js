(id, texts, fallback, aliases, asks) => {
  // A banner that stays, and once per session a dialog that must be answered before anything else can be used.
  // Both live in a shadow root: the page's styles cannot hide them, and theirs cannot break the page.
  const earlier = document.getElementById(id);
  if (earlier && earlier.shadowRoot) return [];
  // A plain banner that came with the page says the same, but asks nobody to answer: ours takes its place.
  if (earlier) earlier.remove();

  // As disclose.notice.languages.best() chooses: the first tag that fits, each shortened from its end.
  const known = Object.fromEntries(Object.keys(texts).map((name) => [name.toLowerCase(), name]));
  const serving = (tag) => {
    for (let parts = tag.toLowerCase().split("-"); parts.length; parts.pop()) {
      const shortened = parts.join("-");
      const names = [shortened, Object.hasOwn(aliases, shortened) ? aliases[shortened] : shortened];
      const name = names.find((name) => Object.hasOwn(known, name));
      if (name) return known[name];
    }
  };
  const tags = navigator.languages && navigator.languages.length ? navigator.languages : [navigator.language || ""];
  const language = tags.map(serving).find(Boolean) || fallback;
  const text = texts[language];

  const host = document.createElement("div");
  host.id = id;
  host.lang = language;
  host.dir = text.direction;
  host.style.cssText =
    "all: initial !important; display: block !important; position: sticky !important; top: 0 !important;" +
    " z-index: 2147483000 !important; flex: none !important; width: 100% !important";
  const root = host.attachShadow({ mode: "open" });
  const add = (parent, tag, attributes, content) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (content) element.textContent = content;
    return parent.appendChild(element);
  };

  const style = `
    * { box-sizing: border-box; margin: 0; }
    .banner, dialog { font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; line-height: 1.45; }
    .banner {
      background: #1e2433; color: #f5f7fb; font-size: 14px; padding: 8px 16px; text-align: center;
      overflow-wrap: anywhere;
    }
    .banner a { color: inherit; text-underline-offset: 3px; }
    .banner a:focus-visible { outline: 2px solid #8fd0ff; outline-offset: 2px; }
    .banner[hidden] { display: none; }
    .reminder { max-width: 704px; margin: 10px auto 4px; }
    .banner .reminder p { margin-top: 4px; font-size: 14px; color: inherit; }
    .banner .reminder h2 { font-size: 16px; }
    .banner .reminder button { margin-top: 10px; }
    .sign { display: inline-block; width: 8px; height: 8px; margin-inline-end: 9px; border-radius: 50%; background: #8fd0ff; }
    dialog {
      width: min(432px, calc(100vw - 32px)); max-height: calc(100vh - 32px); margin: auto; overflow: auto;
      padding: 28px; border: 1px solid #d5d9e2; border-radius: 16px;
      background: #ffffff; color: #1e2433; box-shadow: 0 24px 80px rgb(10 14 26 / 0.35);
    }
    dialog::backdrop { background: rgb(14 18 30 / 0.62); }
    h2 { font-size: 21px; font-weight: 650; line-height: 1.3; letter-spacing: -0.01em; overflow-wrap: anywhere; }
    p { margin-top: 10px; font-size: 16px; color: #444c5e; }
    button {
      margin-top: 24px; padding: 11px 22px; min-height: 44px; border: 0; border-radius: 10px;
      background: #1f4fd1; color: #ffffff; font: inherit; font-size: 16px; font-weight: 600; cursor: pointer;
    }
    button:hover { background: #173fae; }
    button:focus-visible { outline: 3px solid #7aa5ff; outline-offset: 3px; }
    @media (prefers-color-scheme: dark) {
      dialog { background: #1b202c; color: #f5f7fb; border-color: #3a4256; }
      p { color: #c3cadb; }
    }
    @media (forced-colors: active) { .banner { border-bottom: 1px solid; } button { border: 1px solid; } }
  `;
  try {
    // No policy of the page forbids these, as it may forbid style elements.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [sheet];
  } catch { add(root, "style", {}, style); }
  const banner = add(root, "div", { class: "banner", role: "region", "aria-label": text.label });
  add(banner, "span", { class: "sign", "aria-hidden": "true" });
  let headline = add(banner, "span", {}, text.headline);
  document.body.prepend(host);

  // Third-party frames may be denied storage; then the notice is shown afresh, which harms nobody.
  const seen = () => { try { return sessionStorage.getItem(id) === "seen"; } catch { return false; } };
  const remember = () => { try { sessionStorage.setItem(id, "seen"); } catch { /* shown afresh */ } };

  const watch = (element, happens) => {
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      happens("shown");
    }, { threshold: 0.5 });
    observer.observe(element);
  };

  // One after the other: each is read before the next one comes.
  const waiting = [];
  let open = null;
  const next = () => {
    if (open || !waiting.length) return;
    const [said, happens] = waiting.shift();
    const ask = window.self === window.top ? dialogOf : reminderOf;
    open = ask(said);
    open.lang = said.language;
    open.dir = said.direction;
    const button = add(open, "button", { type: "button", autofocus: "" }, said.button);
    button.addEventListener("click", () => (open.close ? open.close() : open.dispatchEvent(new Event("close"))));
    // The button and Esc both end here.
    open.addEventListener("close", () => {
      remember();
      open.remove();
      open = null;
      happens("acknowledged");
      next();
    });
    if (open.showModal) {
      open.showModal();
      button.focus();
    }
    watch(open, happens);
  };
  const dialogOf = (said) => {
    const dialog = add(root, "dialog", { "aria-labelledby": "headline", "aria-describedby": "detail" });
    add(dialog, "h2", { id: "headline" }, said.headline);
    add(dialog, "p", { id: "detail" }, said.detail);
    return dialog;
  };
  // A dialog in a frame may open where nobody sees it, so there it is said in the banner.
  const reminderOf = (said) => {
    const reminder = add(banner, "div", { class: "reminder", role: "alert" });
    add(reminder, "h2", {}, said.headline);
    add(reminder, "p", {}, said.detail);
    return reminder;
  };
  const tell = (said, happens) => { waiting.push([said, happens]); next(); };

  // Who sent the notice may ask for proof: report("shown") once it is in view, report("acknowledged") by a person.
  const happened = [];
  const reports = [];
  const happens = (state) => { happened.push(state); reports.forEach((report) => report(state)); };
  host.prove = (report) => { reports.push(report); happened.forEach((state) => report(state)); };
  // What is said later: a notice {headline, detail, button, language, direction}, with a report of its own.
  host.tell = tell;
  host.stand = (stands) => { banner.hidden = !stands; };
  host.link = (address) => {
    const link = document.createElement("a");
    for (const [name, value] of Object.entries({ href: address, target: "_blank", rel: "noopener" })) {
      link.setAttribute(name, value);
    }
    link.textContent = text.headline;
    headline.replaceWith(link);
    headline = link;
  };
  host.asks = asks && window.self === window.top && !seen();
  if (host.asks) tell({ ...text, language }, happens);
  else watch(banner, happens);
  return [];
}
