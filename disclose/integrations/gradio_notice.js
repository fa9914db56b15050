(id, signal, ask, load, about) => {
  // What the server tells this page: which notices to show, whether the badge stands, and when to ask again.
  const host = document.getElementById(id);
  if (!host || !host.tell || host.follow) return;
  // The address of the page's own server: gradio_config.root knows the path that the app is mounted at.
  const here = (window.gradio_config || {}).root || location.href.split(/[?#]/)[0];
  const root = (host.root || here).replace(/\/+$/, "");
  let session = "", alone = false;
  const call = (name, data, as = session) => {
    const body = JSON.stringify({ data, session_hash: as });
    const headers = { "content-type": "application/json" };
    return fetch(`${root}/gradio_api/run/${name}`, { method: "POST", headers, body, keepalive: true });
  };
  const said = async (name, data, as) => JSON.parse((await (await call(name, data, as)).json()).data[0]);
  host.link(root + about);

  // Third-party frames may be denied storage; then every page begins anew, which harms nobody.
  const earlier = () => { try { return sessionStorage.getItem(`${id}-session`) || ""; } catch { return ""; } };
  const remember = () => { try { sessionStorage.setItem(`${id}-session`, session); } catch { /* anew */ } };
  host.state = () => JSON.stringify({ language: host.lang, earlier: earlier() });
  host.follow = (reply) => {
    if (!reply || !reply.session) return;
    session = reply.session;
    alone = false;
    remember();
    take(reply, true);
  };

  // A signal that was lost is given again when the server sends its notice again.
  const reached = new Map();
  const reporter = (notice) => (state) => {
    reached.set(notice.id, state);
    call(signal, [notice.id, notice.nonce, state]).catch(() => {});
  };
  const look = (notice, report, tries = 40) => {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let found = null;
    while (texts.nextNode()) {
      const text = texts.currentNode;
      if (text.data.includes(notice.text.headline)) found = text.parentElement;
    }
    if (found) {
      const observer = new IntersectionObserver((entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        observer.disconnect();
        report("shown");
      }, { threshold: 0.5 });
      observer.observe(found);
    } else if (tries > 1) setTimeout(() => look(notice, report, tries - 1), 500);
    else reached.delete(notice.id);
  };
  const take = (reply, isFirst) => {
    host.stand(reply.badge);
    for (const notice of reply.notices) {
      if (reached.has(notice.id)) {
        const state = reached.get(notice.id);
        if (state) reporter(notice)(state);
        continue;
      }
      reached.set(notice.id, "");
      if (notice.kind === "answer") look(notice, reporter(notice));
      else if (isFirst && notice.opening && (host.asks || !notice.again)) host.prove(reporter(notice));
      else host.tell(notice.text, reporter(notice));
    }
    due = Date.now() + reply.seconds * 1000;
    wait();
  };

  // Timers stand still while a computer sleeps, so none is trusted for long; a page that nobody sees asks nothing.
  const PATIENCE = 30000;
  let due = 0, timer = 0, asking = false, planned = 0, asked = 0;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (document.hidden) return;
      if (Date.now() < due) wait();
      else inquire();
    }, Math.min(Math.max(due - Date.now(), 0), PATIENCE));
  };
  const inquire = async () => {
    if (asking) return plan();
    asking = true;
    asked = Date.now();
    try {
      take(await said(ask, [host.lang]), false);
    } catch {
      due = Date.now() + PATIENCE;
      wait();
    }
    asking = false;
  };
  const plan = () => {
    if (planned || !session) return;
    planned = setTimeout(() => { planned = 0; inquire(); }, Math.max(300, asked + 2000 - Date.now()));
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) plan(); });

  // A page that no event of Gradio tells anything asks by itself: in Gradio's session as soon as an address that the
  // page requests names it, and until then, if that takes long, in one of its own.
  const begin = async (name) => { try { host.follow(await said(load, [host.state()], name)); } catch { /* shown */ } };
  host.begin = async () => {
    if (session) return;
    await begin(`page-${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`);
    alone = true;
  };
  const named = (address) => new URL(address).searchParams.get("session_hash");
  // After every event of the app, which may have changed who is in charge.
  const isOurs = (address) => [ask, signal, load].some((name) => address.endsWith(`/run/${name}`));
  const isEvent = ({ name }) => /\/gradio_api\/(queue|run)\//.test(name) && !isOurs(name);
  new PerformanceObserver((list) => {
    const events = list.getEntries().filter(isEvent);
    const name = (alone || !session) && events.map((event) => named(event.name)).find(Boolean);
    if (name) begin(name);
    else if (events.length) plan();
  }).observe({ type: "resource", buffered: true });
}
