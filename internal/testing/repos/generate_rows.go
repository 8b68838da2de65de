package repos

import (
	"fmt"
	"strconv"
	"strings"
)

// Salts of the data sets' streams of choices.
const (
	saltGSM8K uint64 = iota + 1
	saltMATH
	saltSQuAD
	saltHotpot
	saltHumanEval
	saltMBPP
)

func gsm8kAt(i int) gsm8kRow {
	p := newProse(saltGSM8K, i)
	who, thing := p.pick(givens), p.pick(things)
	boxes, each := 2+p.next(90), 3+p.next(400)
	total := boxes * each
	return gsm8kRow{
		Question: fmt.Sprintf("%s of %s fills %d boxes with %d %s each. %s How many %s are there in all?",
			who, name(i), boxes, each, thing, p.sentences(1), thing),
		Answer: fmt.Sprintf("%s fills %d boxes of %d %s.\nThat is %d*%d=<<%d*%d=%d>>%d %s.\n#### %s",
			who, boxes, each, thing, boxes, each, boxes, each, total, total, thing, thousands(total)),
	}
}

func mathAt(i int, subject string) mathRow {
	p := newProse(saltMATH, i)
	a, b := 1+p.next(97), 2+p.next(97)
	return mathRow{
		Problem: fmt.Sprintf("Let $x_{%s}$ satisfy $%dx = %d$. %s What is $x_{%s}$? Express your answer as a common fraction.",
			name(i), b, a, p.sentences(1), name(i)),
		Level: "Level " + strconv.Itoa(1+p.next(5)),
		Type:  subject,
		Solution: fmt.Sprintf("Dividing both sides by $%d$, we get \\boxed{x} as a first step, so that\n\\[x = \\frac{%d}{%d}.\\]\nThe answer is $\\boxed{\\frac{%d}{%d}}$.",
			b, a, b, a, b),
	}
}

// Rows of SQuAD that share a context, and that share a title.
const (
	questionsOfContext = 5
	questionsOfTitle   = 200
)

func squadAt(i int) squadRow {
	c := newProse(saltSQuAD, i/questionsOfContext)
	town, person := name(i/questionsOfContext), c.pick(givens)+" "+name(c.next(4096))
	before := "The town of " + town + " was founded by "
	row := squadRow{
		ID:       fmt.Sprintf("%024x", i),
		Title:    name(i / questionsOfTitle),
		Context:  before + person + ". " + c.sentences(2),
		Question: "Who founded the town of " + town + ", by account number " + strconv.Itoa(i) + "?",
		Answers:  squadAnswers{Text: []string{}, AnswerStart: []int32{}},
	}
	if i%3 != 2 {
		row.Answers.Text = append(row.Answers.Text, person)
		row.Answers.AnswerStart = append(row.Answers.AnswerStart, int32(len(before))) // ASCII up to here
	}
	return row
}

func hotpotAt(i int) hotpotRow {
	p := newProse(saltHotpot, i)
	one, two := name(2*i), name(2*i+1)
	row := hotpotRow{
		ID:       fmt.Sprintf("5a%022x", i),
		Question: "Which lies further north, " + one + " or " + two + "?",
		Answer:   one,
		Type:     "comparison",
		Level:    p.pick([]string{"easy", "medium", "hard"}),
		SupportingFacts: hotpotFacts{
			Title: []string{one, two}, SentID: []int32{0, int32(p.next(2))},
		},
		Context: hotpotContext{
			Title:     []string{one, two},
			Sentences: [][]string{{one + " lies on the northern shore.", p.sentences(1)}, {p.sentences(1)}},
		},
	}
	if p.next(3) > 0 {
		row.Question = "In which province is the river that rises near " + one + "?"
		row.Answer, row.Type = two+" Province", "bridge"
	} else if p.next(5) == 0 {
		row.Question, row.Answer = "Are "+one+" and "+two+" in the same province?", "yes"
	}
	return row
}

func humanEvalAt(i int) humanEvalRow {
	p := newProse(saltHumanEval, i)
	f, k := "count_"+strings.ToLower(name(i)), 2+p.next(50)
	return humanEvalRow{
		TaskID: "HumanEval/" + strconv.Itoa(i),
		Prompt: fmt.Sprintf("\ndef %s(xs: list) -> int:\n    \"\"\"Count the multiples of %d in xs. %s\n    >>> %s([%d, 1])\n    1\n    \"\"\"\n",
			f, k, p.sentences(1), f, k),
		CanonicalSolution: fmt.Sprintf("    return sum(1 for x in xs if x %% %d == 0)\n", k),
		Test: fmt.Sprintf("\n\nMETADATA = {}\n\n\ndef check(candidate):\n    assert candidate([%d, 1]) == 1\n    assert candidate([]) == 0\n",
			k),
		EntryPoint: f,
	}
}

func mbppAt(i int) mbppRow {
	p := newProse(saltMBPP, i)
	f, k := "add_"+strings.ToLower(name(i)), 2+p.next(90)
	row := mbppRow{
		SourceFile:  "Benchmark Questions Verification V2.ipynb",
		TaskID:      int32(i),
		Prompt:      fmt.Sprintf("Write a function %s to add %d to every number of a list.", f, k),
		Code:        fmt.Sprintf("def %s(xs):\r\n\treturn [x + %d for x in xs]", f, k),
		TestImports: []string{},
		TestList: []string{
			fmt.Sprintf("assert %s([1, 2]) == [%d, %d]", f, 1+k, 2+k), fmt.Sprintf("assert %s([]) == []", f),
		},
	}
	if p.next(30) == 0 {
		row.TestImports = []string{"import math"}
	}
	return row
}
