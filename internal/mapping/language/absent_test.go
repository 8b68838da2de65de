package language

import (
	"testing"
)

// TestPresence: expressions as people first write them mean what was meant.
func TestPresence(t *testing.T) {
	const row = `{"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":" A "}],"empty":[],"calls":[{"role":"assistant","content":null}],` +
		`"none":null,"level":"L5","n":3,"o":{"a":null,"b":"x"},"flags":[true]}`
	for expression, want := range map[string]string{
		`row.messages.last().role == "assistant"`:                             `true`,
		`"assistant" != row.messages.last().role`:                             `false`,
		`row.empty.last().role == "assistant"`:                                `false`,
		`row.messages.last().role in ["assistant"]`:                           `true`,
		`row.empty.last().role in ["assistant"]`:                              `false`,
		`row.messages.last().content.trim()`:                                  `"A"`,
		`row.messages.last().content`:                                         `" A "`,
		`row.empty.last().content`:                                            `absent`,
		`row.empty.last().content.trim()`:                                     `error: optional.none() dereference`,
		`row.calls.last().content.trim()`:                                     `error: it is absent or null and must be a string`,
		`row.messages.last().content + "x"`:                                   `" A x"`,
		`"x" + row.messages.first().content + "y"`:                            `"xQy"`,
		`size(row.messages.last().content)`:                                   `3`,
		`row.messages.last().content.contains("A")`:                           `true`,
		`row.messages.last()["role"]`:                                         `"assistant"`,
		`row.messages.last().?role.orValue("n")`:                              `"assistant"`,
		`row.messages.last() != null`:                                         `true`,
		`row.empty.last() == null`:                                            `true`,
		`row.calls.last().content == null`:                                    `true`,
		`row.calls[0].content == null`:                                        `true`,
		`row.none == null`:                                                    `true`,
		`null != row.none`:                                                    `false`,
		`row.gone == null`:                                                    `true`,
		`row["gone"] == null`:                                                 `true`,
		`row.level == null`:                                                   `false`,
		`row.none == null ? "no" : row.none + "x"`:                            `"no"`,
		`row.gone.deep.er == null`:                                            `true`,
		`row.o.gone == null`:                                                  `true`,
		`row.o.a == null`:                                                     `true`,
		`row.o.b != null && row.o.b == "x"`:                                   `true`,
		`row.?level == "L5"`:                                                  `true`,
		`row.?gone == "L5"`:                                                   `false`,
		`row.?gone != "L5"`:                                                   `true`,
		`row.?gone == row.?none`:                                              `true`,
		`row.?o.?b == "x"`:                                                    `true`,
		`row.?n > 2`:                                                          `true`,
		`row.?level.trim()`:                                                   `"L5"`,
		`row.?gone.trim()`:                                                    `error: optional.none() dereference`,
		`row.?messages.map(m, m.role).join(" ")`:                              `"user assistant"`,
		`row.?level.optMap(l, l + "!")`:                                       `"L5!"`,
		`row.?gone.or(row.?level) == "L5"`:                                    `true`,
		`row.messages.exists(m, m.?name == null)`:                             `true`,
		`row.messages.exists(m, m.name == null)`:                              `true`,
		`row.messages.turns("user").last() == "Q"`:                            `true`,
		`row.messages.turns("system").last() == "Q"`:                          `false`,
		`["a"].first() == "a"`:                                                `true`,
		`optional.of(1).value()`:                                              `1`,
		`optional.of(1) == optional.of(1)`:                                    `true`,
		`row.?flags[0] == true`:                                               `true`,
		`row.messages.filter(m, m.role == "assistant").last().content.trim()`: `"A"`,
	} {
		if got := given(t, expression, row); got != want {
			t.Errorf("%s: %s\nshould be %s", expression, got, want)
		}
	}
}
