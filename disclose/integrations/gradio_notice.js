(id, signal, ask, about) => (sent) => {
  // What the server tells this page: which notices to show, whether the badge stands, and when to ask again.
  const first = JSON.parse(sent || "null");
  const host = document.getElementById(id);
  if (!host || !host.tell || !first) return [];
  // The address of the page's own server: gradio_config.root knows the path that the app is mounted at.
  const root = ((window.gradio_config || {}).root || location.href.split(/[?#]/)[0]).replace(/\/+$/, "");
  host.link(root + about);
  if (!first.session) return [];
  try { sessionStorage.setItem(`${id}-session`, first.session); } catch { /* the next page begins anew */ }
  const call = (name, data) => {
    const body = JSON.stringify({ data, session_hash: first.session });
    const headers = { "content-type": "application/json" };
    return fetch(`${root}/gradio_api/run/${name}`, { method: "POST", headers, body, keepalive: true });
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
      if (text.data.includes(notice.text.headline) && !host.contains(text)) found = text.parentElement;
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
      const answer = await (await call(ask, [host.lang])).json();
      take(JSON.parse(answer.data[0]), false);
    } catch {
      due = Date.now() + PATIENCE;
      wait();
    }
    asking = false;
  };
  const plan = () => {
    if (planned) return;
    planned = setTimeout(() => { planned = 0; inquire(); }, Math.max(300, asked + 2000 - Date.now()));
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) plan(); });
  // After every event of the app, which may have changed who is in charge.
  const ours = (address) => address.endsWith(`/run/${ask}`) || address.endsWith(`/run/${signal}`);
  const isEvent = ({ name }) => /\/gradio_api\/(queue|run)\//.test(name) && !ours(name);
  new PerformanceObserver((list) => { if (list.getEntries().some(isEvent)) plan(); }).observe({ type: "resource" });
  take(first, true);
  return [];
}
