"""A chat template of transformers renders what is published as it renders the source's rows: tools, calls, parts, the order of members."""

import json
import unittest

import mixes

try:
    from transformers.utils.chat_template_utils import render_jinja_template
except ImportError as missing:
    raise unittest.SkipTest(f"there are no chat templates here: {missing}")

# As templates of models with tools are written: they show objects as JSON, in the order of their members.
TEMPLATE = """{%- if tools %}<|im_start|>system
<tools>{% for tool in tools %}
{{ tool | tojson }}{% endfor %}
</tools><|im_end|>
{% endif %}{%- for m in messages %}<|im_start|>{{ m.role }}{% if m.name %} {{ m.name }}{% endif %}
{% if m.content is string %}{{ m.content }}{% elif m.content %}{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}{% else %}<{{ part.type }}>{{ part | tojson }}{% endif %}{% endfor %}{% endif %}
{%- for call in m.tool_calls or [] %}
<tool_call>{{ call.function | tojson }}</tool_call>{% endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""

TOOL = '{"type":"function","function":{"name":"find","parameters":{"type":"object","required":["b"],"properties":{"b":{"type":"string"},"a":{"type":"number","default":1.50}}}}}'
# Texts of JSON and no objects, since the bytes count: blanks, the order of members, escapes, numbers as they are written.
ROWS = (
    '{"messages": [{"role":"user","content":"Hi {i}?"},  {"content":"Hello","role":"assistant"}]}',
    '{"tools":[' + TOOL + '],"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Find {i}."},{"role":"assistant","content":null,'
    '"tool_calls":[{"id":"c1","type":"function","function":{"name":"find","arguments":{"z":1.0,"a":[1e3,{"y":null,"b":"\\u00fc\\/"}]}}}]},'
    '{"role":"tool","tool_call_id":"c1","name":"find","content":"{\\"ok\\": true}"},{"role":"assistant","content":"Done {i}."}]}',
    '{"messages":[{"role":"user","content":"Text {i}"},{"role":"assistant","content":"","tool_calls":[{"function":{"arguments":"{\\"b\\": \\"x\\"}","name":"find"}}]},{"role":"assistant","content":"Done"}],"tools":null}',
    '{"messages":[{"role":"user","content":[{"type":"image","url":"file:///{i}.png"},{"type":"text","text":"What is \\ud83d\\ude00 {i}?"}]},{"role":"assistant","content":[{"type":"text","text":"A face\\u2028."}]}],"meta":{"x":1}}',
)


def rendered(row):
    def value(name):
        found = row.get(name)
        return json.loads(found) if isinstance(found, str) else found

    texts, _ = render_jinja_template(conversations=[value("messages")], tools=value("tools"), chat_template=TEMPLATE, add_generation_prompt=True)
    return texts[0]


def members(line):
    """The members of a row as they are written, by the standard library's own scanner."""
    decoder, found, at = json.JSONDecoder(), {}, line.index("{") + 1
    while True:
        name, at = decoder.raw_decode(line, at)
        at = len(line) - len(line[at:].lstrip(" :"))
        _, end = decoder.raw_decode(line, at)
        found[name] = line[at:end]
        at = len(line) - len(line[end:].lstrip(" ,"))
        if line[at] == "}":
            return found


class Templates(unittest.TestCase):
    def test_the_same_text_before_and_after(self):
        made = mixes.Mixes(common=1)
        self.addCleanup(made.close)
        source = [row.replace("{i}", str(i)) for i in range(20) for row in ROWS]
        (made.folder / "rows" / "rows.jsonl").write_text("".join(line + "\n" for line in source), encoding="utf-8")
        for fmt in mixes.FORMATS:
            text = mixes.one({"volume": {"claimName": "rows", "files": ["rows.jsonl"]}}).replace("path: mix", f"path: mix, format: {fmt}")
            start = text.index("record: {")
            current = made.build("templates-" + fmt, text[:start] + "record: {preset: messages}" + text[text.index("\n", start):])
            published = mixes.plain(current / "mixed" / ("train_mixed" + mixes.EXTENSIONS[fmt]))
            self.assertEqual(len(published), len(source))
            for row in published:
                before = source[int(row["id"].rpartition("_")[2])]
                with self.subTest(fmt, row=row["id"]):
                    self.assertEqual(rendered(row), rendered(json.loads(before)))
            if fmt == "JSONL":
                for line in (current / "mixed" / "train_mixed.jsonl").read_text(encoding="utf-8").split("\n")[:-1]:
                    after = members(line)
                    before = members(source[int(json.loads(line)["id"].rpartition("_")[2])])
                    self.assertEqual({k: after.get(k) for k in before if k != "meta"}, {k: v for k, v in before.items() if k != "meta"})


if __name__ == "__main__":
    unittest.main()
