(() => {
  // Proves that the notice above this script was in view, and lets its reader acknowledge it. What fails here is not
  // shown as proven, and the notice stands all the same.
  const script = document.currentScript;
  const notice = document.getElementById("disclose-notice");
  if (!script || !notice) return;
  const at = (name) => new URL(name, script.src).href;
  const post = (name, content) =>
    fetch(at(name), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(content),
      credentials: "same-origin",
      keepalive: true,
    });
  // Denied storage costs the reader one more question on the next page.
  const stored = (...value) => {
    try {
      const storage = window.sessionStorage;
      return value.length ? storage.setItem("disclose-notice", value[0]) : storage.getItem("disclose-notice");
    } catch { return null; }
  };

  const watch = (happens) => {
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting) || document.visibilityState !== "visible") return;
      const how = { opacityProperty: true, visibilityProperty: true };
      if (notice.checkVisibility && !notice.checkVisibility(how)) return;
      observer.disconnect();
      happens();
    }, { threshold: 0.5 });
    observer.observe(notice);
    // An observer speaks of changes, and coming to the front is none.
    document.addEventListener("visibilitychange", () => { observer.unobserve(notice); observer.observe(notice); });
  };

  const offer = (sent) => {
    if (!notice.dataset.acknowledge) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = notice.dataset.acknowledge;
    button.addEventListener("click", () => {
      post("proof", { ...sent, state: "acknowledged" }).catch(() => {});
      stored("acknowledged");
      button.remove();
    });
    (notice.querySelector("p") || notice).append(" ", button);
  };

  const begin = async () => {
    const answer = await post("notice", { language: notice.lang });
    const earlier = stored();
    if (answer.status === 200) {
      const sent = await answer.json();
      if (earlier !== "acknowledged") { stored(JSON.stringify(sent)); offer(sent); }
      watch(() => post("proof", { ...sent, state: "shown" }).catch(() => {}));
    } else if (earlier && earlier !== "acknowledged") offer(JSON.parse(earlier));
  };
  begin().catch(() => {});
})();
