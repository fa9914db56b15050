// The page works as a plain form; this adds dropping, pasting, and one request a file, so that progress can be shown.
const form = document.getElementById("ask");
const chosen = document.getElementById("file");
const address = document.getElementById("url");
const status = document.getElementById("status");
const bar = document.getElementById("progress");
const results = document.getElementById("results");
const button = form.querySelector("button");
const drop = form.querySelector(".drop");
let isBusy = false;

document.getElementById("hint").hidden = false;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const jobs = [...chosen.files].map((file) => ({ file }));
  if (address?.value.trim()) jobs.push({ url: address.value.trim() });
  check(jobs);
});

document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (!files.length) return;
  event.preventDefault();
  check(files.map((file) => ({ file })));
});

document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  drop.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  drop.classList.remove("over");
  if (!event.dataTransfer?.files.length) return;
  event.preventDefault();
  check([...event.dataTransfer.files].map((file) => ({ file })));
});

async function check(jobs) {
  if (isBusy) return;
  if (!jobs.length) {
    status.textContent = form.dataset.nothing;
    chosen.focus();
    return;
  }
  isBusy = button.disabled = true;
  results.replaceChildren();
  bar.hidden = false;
  let failure = "";
  for (const [done, job] of jobs.entries()) {
    say(done, jobs.length);
    try {
      add(await ask(job, (part) => { bar.value = (done + part) / jobs.length; }));
    } catch (error) {
      failure = `${form.dataset.failed} ${error.message}`;
    }
  }
  say(jobs.length, jobs.length);
  if (failure) status.textContent = failure;
  bar.hidden = true;
  isBusy = button.disabled = false;
  results.querySelector("article")?.focus();
}

function say(done, total) {
  status.textContent = form.dataset.progress.replace("{done}", done).replace("{total}", total);
  bar.value = done / total;
}

function ask(job, progress) {
  return new Promise((resolve, reject) => {
    const body = new FormData();
    if (job.file) body.append("file", job.file, job.file.name || "pasted");
    if (job.url) body.append("url", job.url);
    if (form.elements.report.checked) body.append("report", "1");
    const request = new XMLHttpRequest();
    const target = new URL(form.action);
    target.searchParams.set("fragment", "1");
    request.open("POST", target);
    request.setRequestHeader("Accept", "application/problem+json, text/html;q=0.5");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) progress((0.8 * event.loaded) / event.total);
    });
    request.addEventListener("load", () => {
      if (request.status === 200) resolve(request.responseText);
      else reject(new Error(reasonOf(request)));
    });
    request.addEventListener("error", () => reject(new Error("network")));
    request.send(body);
  });
}

function reasonOf(request) {
  try {
    return JSON.parse(request.responseText).detail;
  } catch {
    return String(request.status);
  }
}

function add(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  results.append(template.content);
}
