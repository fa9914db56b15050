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
let jobs = [];

document.getElementById("hint").hidden = false;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const wanted = [...chosen.files].map((file) => ({ file }));
  if (address?.value.trim()) wanted.push({ url: address.value.trim() });
  check(wanted);
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

async function check(more) {
  if (isBusy) {
    jobs.push(...more);
    return;
  }
  if (!more.length) {
    status.textContent = form.dataset.nothing;
    chosen.focus();
    return;
  }
  jobs = more;
  isBusy = button.disabled = true;
  results.replaceChildren();
  bar.hidden = false;
  const failures = [];
  // What is dropped or pasted meanwhile makes the list longer.
  for (let done = 0; done < jobs.length; done += 1) {
    say(done, jobs.length);
    try {
      add(await ask(jobs[done], (part) => { bar.value = (done + part) / jobs.length; }));
    } catch (error) {
      failures.push(`${jobs[done].url ?? jobs[done].file.name}: ${error.message}`);
    }
  }
  say(jobs.length, jobs.length);
  if (failures.length) status.textContent = `${form.dataset.failed} ${failures.join("\n")}`;
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
