// Writes the rows and the mix that ui.test.mjs looks at: node rows.mjs FOLDER. Numbers that repeat, chats, programs, and rows of markup.
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

// What a row may say. Where it were more than a text, the page would be marked.
export const hostile = `</div></textarea><script>document.documentElement.dataset.harmed = "script"</script><img src=x onerror='document.documentElement.dataset.harmed = "image"'><a href="javascript:void(document.documentElement.dataset.harmed = 'link')">x</a><style>body { display: none }</style><form action="http://evil.test/"><input autofocus onfocus='document.documentElement.dataset.harmed = "focus"'></form> \u001b[31m \u202e drawkcab`;

// words are a few that depend on a number alone.
const things = ["apples", "pencils", "marbles", "shells", "stamps", "coins", "tickets", "buttons"];
const digits = (n) => createHash("sha256").update(String(n)).digest("hex");
const words = (n, count) => digits(n).match(/.{4}/g).slice(0, count).join(" ");

const sums = [], chats = [], programs = [], markup = [];
for (let i = 0; i < 120; i++) {
  // Every fifth question is nearly the one before it: another number, and the same words.
  const same = i % 5 === 4 ? i - 1 : i;
  sums.push({ question: `Ann has ${i + 2} ${things[same % 8]} of the kinds ${words(same, 8)} and gives ${i + 1} of them to Ben. How many are left?`, answer: `She has ${i + 2} - ${i + 1} = <<${i + 2}-${i + 1}=1>>1 left.\n#### 1` });
}
for (let i = 0; i < 40; i++) {
  chats.push({ topic: "files", messages: [
    { role: "system", content: "You are a helpful assistant." },
    { role: "user", content: `How do I read the file ${words(`c${i}`, 2).replace(" ", "_")}.txt in Python?` },
    { role: "assistant", content: `Open it and read it:\n\n\`\`\`python\nwith open("file${i}.txt", encoding="utf-8") as file:\n    text = file.read()\n\`\`\`\n\nThe file is closed at the end of the block.` },
    { role: "assistant", content: "Let me look.", tool_calls: [{ type: "function", function: { name: "read_file", arguments: `{"path": "file${i}.txt"}` } }] },
  ] });
  programs.push({ prompt: `def add_${i}(a: int, b: int) -> int:\n    """Return the sum of a and b, and ${i}.\n\n    >>> add_${i}(1, 2)\n    ${i + 3}\n    """\n`, canonical_solution: `    return a + b + ${i}\n`, test: `def check(candidate):\n    assert candidate(1, 2) == ${i + 3}\n`, entry_point: `add_${i}`, task_id: `Add/${i}` });
  markup.push({ q: `${hostile} ${["m", "n", "o", "p", "q"].map((letter) => words(letter + i, 16)).join(" ")}`, a: hostile });
}

const mix = `apiVersion: data.datasetmix.io/v1alpha1
kind: DatasetMix
metadata: {name: shown}
spec:
  seed: 7
  splits:
  - {name: train, share: 3, size: {policy: KeepTotal}}
  - {name: test, share: 1, size: {policy: NoRepeat}}
  nearDuplicates: {words: 3, bands: 25, rows: 4, percent: 60}
  domains:
  - name: math
    share: 1
    datasets:
    - {name: sums, source: {volume: {claimName: rows, path: sums.jsonl}}, record: {preset: gsm8k}}
  - name: talk
    share: 2
    datasets:
    - {name: chats, source: {volume: {claimName: rows, path: chats.jsonl}}, record: {preset: messages, keep: [topic]}}
    - {name: markup, source: {volume: {claimName: rows, path: markup.jsonl}}, record: {question: row.q, referenceAnswer: row.a, answerType: text}}
  - name: code
    share: 2
    datasets:
    - {name: programs, source: {volume: {claimName: rows, path: programs.jsonl}}, record: {preset: humaneval}}
  output:
    volume: {claimName: datasets}
    path: team/shown
`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2];
  fs.mkdirSync(folder, { recursive: true });
  for (const [name, rows] of Object.entries({ sums, chats, programs, markup }))
    fs.writeFileSync(path.join(folder, `${name}.jsonl`), rows.map((row) => JSON.stringify(row) + "\n").join(""));
  fs.writeFileSync(path.join(folder, "mix.yaml"), mix);
  fs.writeFileSync(path.join(folder, "edited.yaml"), mix.replace("name: math\n    share: 1", "name: math\n    share: 3"));
}
