package plan

import (
	"errors"
	"regexp"
	"strings"
)

// fact is a number with the side that it bounds, or a name that a message has from the recipe: of a data set, a domain, or a field and its value.
var fact = regexp.MustCompile(`\b(gsm8k|maths?|squad2|hotpotqa|humaneval|mbpp|code|row\.title|groupBy|maxRepeats|Smallest|None|Rows|Bytes|Tokens|at least|up to|no total|d\d-\d)\b|-?\d+`)

// factsOf returns the names and numbers of a message in their order. The words around them are judged in the file of all messages.
func factsOf(err error) string { return strings.Join(fact.FindAllString(err.Error(), -1), " ") }

// infeasibility returns which split an InfeasibleError is about and the facts of its problem, "" for any other error.
func infeasibility(err error) string {
	infeasible, ok := errors.AsType[*InfeasibleError](err)
	if !ok {
		return ""
	}
	return infeasible.Split + ": " + factsOf(errors.New(infeasible.Problem))
}
